"""What a server can and cannot reach: cases to try from inside it, and the table of the results."""
