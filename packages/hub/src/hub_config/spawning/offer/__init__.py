"""What a person can choose from, and what a choice means."""
