"""What the `docker` program answers quickly, and does: images in and out of the engine, and names.

A build with nothing to do only asks. docker-py with requests takes longer to import than all
else that such a build does; the program is there for buildx anyway, finds the engine by the same
rules, speaks with registries as a build does and answers in milliseconds.
"""

import json
from typing import Any

from jhub_docker.engine.address import address, docker
from jhub_docker.errors import ActionError


def server() -> dict[str, Any] | None:
    """What `docker version` says of the engine; None where no engine, or no client, answers.

    Raises UsageError for a context that does not exist.
    """
    try:
        result = docker("version", "--format", "{{json .Server}}")
    except ActionError:
        return None
    if "context not found" in result.err:
        address()
    said: dict[str, Any] | None = None if result.code else json.loads(result.out)
    return said


def images(label: str) -> list[dict[str, Any]]:
    """The images with this label, each once, as `docker image inspect` describes them."""
    listing = docker("image", "ls", "--quiet", "--no-trunc", "--filter", f"label={label}")
    identities = dict.fromkeys(listing.require("docker image ls failed").split())  # one line a tag
    return _inspect(*identities) if identities else []


def image(reference: str) -> dict[str, Any] | None:
    """The image of this reference as `docker image inspect` describes it; None for none."""
    return next(iter(_inspect(reference)), None)


def _inspect(*references: str) -> list[dict[str, Any]]:
    """Those of the images that are there; one may have been removed since it was listed.

    What can be no image's name names none.
    """
    result = docker("image", "inspect", *references)
    said = result.err.lower()
    if "no such image" not in said and "invalid reference format" not in said:
        result.require("docker image inspect failed")
    found: list[dict[str, Any]] = json.loads(result.out)
    return found


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
