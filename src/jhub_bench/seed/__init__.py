"""The peer: the seed's way of doing it, made to work."""
