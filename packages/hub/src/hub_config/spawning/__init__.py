"""How a person's choice of a profile becomes a running container."""
