"""The ports that a platform publishes: whether it can, and by which variables they are chosen.

Compose removes the container that has a port so far before it finds out that the new one cannot
have its own: so the engine is asked first, which alone knows its machine.
"""

import re
import secrets
import socket
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from docker.errors import APIError

from jhub_docker import engine
from jhub_docker.catalog.identity import LABEL
from jhub_docker.errors import UsageError
from jhub_docker.platform import containers
from jhub_docker.platform.compose import HUB, PROXY, TLS, Platform

REFUSALS = {
    "address already in use": "another program has it",
    "port is already allocated": "another container has it",
    "cannot assign requested address": "",
    "bind: permission denied": "the engine may not open it",
    "privileged port": "the engine may not open it",
}
"""How engines refuse to publish a port, and what that means; an address that is none is no
port's fault."""


def require_free(platform: Platform, there: Iterable[Mapping[str, Any]]) -> None:
    """Raise UsageError for a port that the engine cannot publish; those that its own service has,
    whose container is among `there`, are fine.

    A container that does nothing is published in place of all that would be.
    """
    if not (wanted := to_try(platform, there)):
        return
    made = engine.client().containers.create(
        platform.require_image(HUB),
        entrypoint=["true"],
        healthcheck={"test": ["NONE"]},
        labels={f"{LABEL}.platform": platform.project},
        auto_remove=True,  # also where this call is killed
        ports={f"{number}/tcp": one for number, one in enumerate(wanted, 1)},
    )
    try:
        made.start()
    except APIError as error:
        publishers = {
            str(port["PublicPort"]): containers.name(one)
            for one in engine.api().containers()
            for port in one["Ports"] or ()
            if "PublicPort" in port
        }
        if said := refusal(platform, str(error.explanation), publishers):
            raise UsageError(f"{said}; nothing was touched") from None
    finally:
        containers.remove(str(made.id))


def to_try(
    platform: Platform, there: Iterable[Mapping[str, Any]]
) -> list[tuple[str, str] | tuple[str]]:
    """The addresses and ports that would be new; of a port that its own service has already on
    another address that address alone, with any port. Pure.
    """
    held = {
        (containers.service(one), port): ip
        for one in there
        if one["State"]["Running"]
        for _, ip, port in containers.published(one)
    }
    wanted: list[tuple[str, str] | tuple[str]] = []
    for service in platform.ports:
        for _, ip, port in sorted(containers.to_publish(platform, service)):
            if (service, port) not in held:
                wanted.append((ip, port))
            elif held[service, port] != ip:
                wanted.append((ip,))
    return wanted


def refusal(platform: Platform, problem: str, publishers: Mapping[str, str] | None = None) -> str:
    """What to set where an engine says that a port or an address cannot be had; empty where it
    says something else. `publishers` are containers by the ports they have. Pure.
    """
    why = next((why for words, why in REFUSALS.items() if words in problem), None)
    if why is None:
        return ""
    if not why:
        return f"JHUB_BIND is {platform.bind!r}; expected an address of the engine's machine"
    known = {port for listed in platform.ports.values() for _, _, port in listed}
    port = next((one for one in sorted(known) if re.search(rf":{one}\b", problem)), "")
    if name := (publishers or {}).get(port):
        why = f"the container {name} has it"
    names = variables(platform, port)
    if port and len(names) > 1:
        return f"{' and '.join(names)} are both {port}: set one of them to another port"
    said = f"{names[0]} is {port}, and " if port else "the port is taken: "
    return f"{said}{why}: set {' or '.join(names)} to a free one"


def variables(platform: Platform, port: str) -> list[str]:
    """The variables that a port was chosen by; the entrance's for one that is no service's."""
    known = {PROXY: ["JHUB_PORT"], TLS: ["JHUB_HTTPS_PORT", "JHUB_HTTP_PORT"]}
    found = [
        known.get(service, [f"JHUB_{service.upper()}_PORT"] * len(listed))[index]
        for service, listed in platform.ports.items()
        for index, (_, _, one) in enumerate(listed)
        if one == port
    ]
    return found or known[TLS if TLS in platform.services else PROXY]


GIVEN_AWAY = Path("/proc/sys/net/ipv4/ip_local_port_range")
"""First and last port of those that Linux, and the engine on it, give to whoever wants any."""

FIRST = 20_000
"""Below are those of well-known services, and all that browsers refuse."""


def free_port() -> int:
    """A TCP port of this machine that nothing listens on, and that nobody gets by chance until it
    is used: it is none of those that are given to whoever wants any.
    """
    given = int(GIVEN_AWAY.read_text("ascii").split()[0]) if GIVEN_AWAY.exists() else 32_768
    while True:
        port = FIRST + secrets.randbelow(given - FIRST) if given > FIRST else 0
        with socket.socket() as listener, suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return int(listener.getsockname()[1])
