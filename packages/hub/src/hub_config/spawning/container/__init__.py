"""What a server's container is made of and called, and how it comes up and ends."""
