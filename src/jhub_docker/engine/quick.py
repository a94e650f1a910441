"""Quick questions to the engine, answered by the `docker` program.

A build with nothing to do only asks. docker-py with requests takes longer to import than all
else that such a build does; the program is there for buildx anyway, finds the engine by the same
rules and answers in milliseconds. So docker-py is left to what changes something in the engine.
"""

import json
import subprocess
from functools import cached_property
from typing import Any

from jhub_docker.engine.address import cli_environment, connect
from jhub_docker.errors import ActionError


class LaterClient:
    """docker-py's client of the engine, made when something is first wanted of it."""

    @cached_property
    def _client(self) -> Any:
        return connect()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


def server() -> dict[str, Any] | None:
    """What `docker version` says of the engine; None where no engine, or no client, answers."""
    try:
        result = run("version", "--format", "{{json .Server}}")
    except ActionError:
        return None
    said: dict[str, Any] | None = None if result.returncode else json.loads(result.stdout)
    return said


def images(label: str) -> list[dict[str, Any]]:
    """The images with this label, each once, as `docker image inspect` describes them."""
    listing = run("image", "ls", "--quiet", "--no-trunc", "--filter", f"label={label}")
    if listing.returncode:
        raise ActionError(f"docker image ls failed: {listing.stderr.strip()}")
    identities = dict.fromkeys(listing.stdout.split())  # one line a tag
    return _inspect(*identities) if identities else []


def image(reference: str) -> dict[str, Any] | None:
    """The image of this reference as `docker image inspect` describes it; None for none."""
    return next(iter(_inspect(reference)), None)


def _inspect(*references: str) -> list[dict[str, Any]]:
    """Those of the images that are there; one may have been removed since it was listed."""
    result = run("image", "inspect", *references)
    if result.returncode and "no such image" not in result.stderr.lower():
        raise ActionError(f"docker image inspect failed: {result.stderr.strip()}")
    found: list[dict[str, Any]] = json.loads(result.stdout)
    return found


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the program; its exit code is the caller's to judge. Raises ActionError without it."""
    try:
        return subprocess.run(
            ["docker", *arguments],
            capture_output=True,
            text=True,
            check=False,
            env=cli_environment(),
        )
    except OSError as error:
        raise ActionError(
            f"the Docker client cannot be run ({error.strerror}): install the program `docker`"
        ) from None
