"""Images into and out of the engine, and the names they have in it, by the `docker` program.

It reads Docker's own configuration for credentials, and speaks with registries as a build does.
"""

from jhub_docker.engine.address import docker


def pull(reference: str) -> str:
    """Pull an image; what the program says of it. Raises ActionError with the engine's words."""
    return docker("image", "pull", reference).require()


def push(reference: str) -> None:
    """Push an image that has this name. Raises ActionError with the registry's words."""
    docker("image", "push", reference).require()


def tag(image: str, reference: str) -> None:
    """Give an image a further name, wherever that was before."""
    docker("image", "tag", image, reference).require()


def untag(reference: str) -> None:
    """Take a name from an image that has others; nothing where it has not got that one."""
    docker("image", "rm", "--no-prune", reference)
