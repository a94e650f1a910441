"""The images servers start from: what they offer, whether they go with this hub, how they come."""
