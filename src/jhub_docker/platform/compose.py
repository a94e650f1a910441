"""Calls Docker Compose, and reads `compose.yaml` as Compose understands it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jhub_docker import engine
from jhub_docker.errors import ActionError, UsageError
from jhub_docker.process import Ended

HUB, PROXY = "hub", "proxy"
"""The two services that code has to know by name: one is asked, the other is published."""


@dataclass(frozen=True)
class Platform:
    """What Compose makes of `compose.yaml` and the environment."""

    root: Path
    project: str
    port: int
    bind: str
    services: tuple[str, ...]
    """All services that are started without a Compose profile, the hub first."""
    hub_image: str
    hub_environment: Mapping[str, str]
    data_volume: str

    @property
    def address(self) -> str:
        """Where people open the platform."""
        host = "localhost" if self.bind in ("", "0.0.0.0", "127.0.0.1", "::") else self.bind  # noqa: S104
        remote = urlsplit(engine.connect().api.base_url)
        if remote.scheme in ("http", "https") and remote.hostname not in (None, "localhost"):
            host = remote.hostname or host
        return f"http://{host}:{self.port}{self.hub_environment.get('JHUB_BASE_URL') or '/'}"


def read(root: Path) -> Platform:
    """Ask Compose how it understands `compose.yaml`; UsageError with its words if it does not."""
    result = run(root, "config", "--format", "json")
    if result.code:
        raise UsageError(
            f"compose.yaml cannot be used with these variables: {last_line(result.err)}; "
            "JHUB_PORT is a port from 1 to 65535, JHUB_BIND an address of this machine, and "
            "packages/hub/README.md lists the others"
        )
    return from_config(root, json.loads(result.out))


def from_config(root: Path, config: Mapping[str, Any]) -> Platform:
    """The platform that Compose's JSON describes. Pure."""
    services: dict[str, Any] = config["services"]
    published = services[PROXY]["ports"][0]
    hub = services[HUB]
    environment: dict[str, Any] = hub.get("environment") or {}
    (data,) = [v["source"] for v in hub["volumes"] if v["target"] == "/srv/jupyterhub"]
    return Platform(
        root=root,
        project=config["name"],
        port=int(published["published"]),
        bind=published.get("host_ip", ""),
        services=tuple(sorted(services, key=lambda name: (name != HUB, name != PROXY, name))),
        hub_image=hub["image"],
        hub_environment={name: str(value) for name, value in environment.items() if value},
        data_volume=config["volumes"][data]["name"],
    )


def run(root: Path, *arguments: str) -> Ended:
    """Run `docker compose`; the caller looks at the exit code."""
    return engine.docker("compose", "--project-directory", str(root), *arguments)


def show(root: Path, *arguments: str) -> int:
    """Run `docker compose` with its output on the terminal; its exit code."""
    return engine.show_docker("compose", "--project-directory", str(root), *arguments)


def checked(root: Path, *arguments: str) -> None:
    """Run `docker compose`; raises ActionError with its messages when it fails."""
    result = run(root, *arguments)
    if result.code:
        raise ActionError(f"docker compose {arguments[0]} failed:\n{result.err.strip()[-2000:]}")


def last_line(text: str) -> str:
    """What Compose says last; the lines before it are its progress."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].removeprefix("Error response from daemon: ") if lines else "no reason given"
