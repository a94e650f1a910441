"""How a person's choice of a profile becomes a running container.

The spawners are here; what they decide with is in rooms of its own: `images`, `offer`, `admission`
and `container`.
"""
