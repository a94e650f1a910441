"""Logs on this terminal: of the platform's services, or of somebody's servers by their name."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from jhub_docker import engine
from jhub_docker.catalog.identity import LABEL
from jhub_docker.errors import ActionError, UsageError
from jhub_docker.platform import compose, containers
from jhub_docker.progress import say


def logs(root: Path, wanted: str, *, follow: bool, tail: int, since: str = "") -> None:
    """Show logs; `wanted` is a service, a container, a person, or a person's server `ann/desk`.

    Empty for all services. An ended server's container is there until its hub has read why.
    """
    options = ["--tail", str(tail), *["--follow"] * follow, *["--since", since] * bool(since)]
    platform = compose.read(root)
    there = containers.of_service(platform, *platform.services)
    # People know containers by the names that `status` shows.
    roles = {containers.name(one): containers.role(one) for one in there}
    service = roles.get(wanted, wanted)
    if service in ("", *platform.services):
        if not there:
            raise ActionError("the platform does not run; start it with ./dev invoke up")
        if compose.show(platform, "logs", *options, *[service] * bool(service)):
            raise ActionError("docker compose logs failed; see its message above")
        return
    there = containers.servers(platform)
    found = servers_of(there, wanted)
    if not found:
        known = ", ".join([*platform.services, *sorted(map(server, there))])
        raise UsageError(f"there is no service and no server of {wanted!r}; known: {known}")
    if follow and len(found) > 1:
        names = ", ".join(server(one) for one in found)
        raise UsageError(f"{wanted} has several servers; with --follow name one of {names}")
    for one in found:
        if len(found) > 1:
            say(f"==> {server(one)}")
        if engine.show_docker("logs", *options, containers.name(one)):
            raise ActionError("docker logs failed; see its message above")


def servers_of(there: Iterable[Mapping[str, Any]], wanted: str) -> list[Mapping[str, Any]]:
    """The servers that are meant: of a person, one of theirs, or a container's. Pure."""
    person, slash, name = wanted.partition("/")

    def is_meant(one: Mapping[str, Any]) -> bool:
        theirs = one["Labels"].get(f"{LABEL}.user") == person
        this = not slash or one["Labels"].get(f"{LABEL}.server", "") == name
        return (theirs and this) or containers.name(one) == wanted

    return sorted(filter(is_meant, there), key=server)


def server(container: Mapping[str, Any]) -> str:
    """What a person's server is called here: `ann`, or `ann/desk` for one with a name."""
    labels = container["Labels"]
    name = labels.get(f"{LABEL}.server", "")
    return f"{labels[f'{LABEL}.user']}/{name}" if name else str(labels[f"{LABEL}.user"])
