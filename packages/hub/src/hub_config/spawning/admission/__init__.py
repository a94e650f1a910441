"""Whether a server may be started now, who was promised what, and whose turn it is."""
