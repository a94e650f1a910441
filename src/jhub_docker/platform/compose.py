"""Calls Docker Compose, and reads `compose.yaml` as Compose understands it."""

import getpass
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jhub_docker import engine
from jhub_docker.catalog import load
from jhub_docker.engine import quick
from jhub_docker.engine.address import address, engine_host
from jhub_docker.errors import UsageError
from jhub_docker.platform import encrypted, refusals
from jhub_docker.process import Ended

HUB, STANDBY, PROXY, TLS, BACKUP = "hub", "standby", "proxy", "tls", "backup"
GUARD, MLFLOW = "guard", "mlflow"
"""The services that code has to know by name: one of two is asked, one of the next two is
published, the guard has the firewall, and the others are there where a Compose profile says so."""

NEVER = "never"
"""The Compose profile of what is not started (compose.entrance.yaml): nobody's to choose."""

EVERYWHERE = ("", "0.0.0.0", "::")  # noqa: S104 - what is read, not bound
LOOPBACK = ("127.0.0.1", "::1", "localhost")

PYTHON = "/opt/hub/bin/python"
"""The Python of the hub's image, which has `hub_config`."""

DATA = "/srv/jupyterhub"
"""Where the hub has its data volume."""


@dataclass(frozen=True)
class Platform:
    """What Compose makes of `compose.yaml` and the environment."""

    root: Path
    project: str
    port: int
    bind: str
    services: tuple[str, ...]
    """The services that are started, by their profiles, the hub first."""
    images: Mapping[str, str]
    """Of all services, as are volumes and networks, started or not."""
    hub_environment: Mapping[str, str]
    volumes: Mapping[str, Mapping[str, str]]
    """The names of each service's volumes, by where it has them."""
    networks: Mapping[str, frozenset[str]]
    """The names of each service's networks."""
    ports: Mapping[str, tuple[tuple[str, str, str], ...]] = field(default_factory=dict)
    """What each service publishes: port in its container, address and port on the host."""
    backup_settings: Mapping[str, str] = field(default_factory=dict)
    """What the service that backs up is told, but for who it is elsewhere."""
    hub_files: Mapping[str, str] = field(default_factory=dict)
    """What of the engine's machine the hub has by an override file, by where it has it."""
    profiles: frozenset[str] = frozenset()
    """The Compose profiles there are."""
    wanted: frozenset[str] = frozenset()
    """Those that are chosen, perhaps some that are none."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """What is chosen for Compose beside what the person who runs this has set."""

    @property
    def data_volume(self) -> str:
        """The volume of the hub's database."""
        return self.volumes[HUB][DATA]

    @property
    def public_address(self) -> str:
        """Where people open the platform: the address that the settings say, or else `address`."""
        said = self.hub_environment.get
        host = said("JHUB_SUBDOMAIN_HOST", "").rstrip("/")
        public = f"{host}{self.base_url}" if host else self.address
        return said("JHUB_PUBLIC_URL") or public

    @property
    def base_url(self) -> str:
        """The path below which all of it answers."""
        return self.hub_environment.get("JHUB_BASE_URL") or "/"

    @property
    def address(self) -> str:
        """Where the platform answers: under its domain, or on the machine of the engine."""
        if TLS in self.services:
            port = "" if self.port == 443 else f":{self.port}"
            return f"https://{self.hub_environment.get('JHUB_DOMAIN')}{port}{self.base_url}"
        here = self.bind in (*EVERYWHERE, *LOOPBACK)
        bound = f"[{self.bind}]" if ":" in self.bind else self.bind
        host = engine_host(address()) or ("localhost" if here else bound)
        return f"http://{host}:{self.port}{self.base_url}"

    @property
    def on_loopback(self) -> bool:
        """Whether the engine's machine alone can reach it."""
        return self.bind in LOOPBACK

    @property
    def direct(self) -> bool:
        """Whether this machine reaches it at `address`, without a name or a certificate."""
        return TLS not in self.services and not (self.on_loopback and engine_host(address()))

    def compose(self, *arguments: str, **options: Any) -> Ended:
        """Run `docker compose`; the caller looks at the exit code. `options`: see `process.run`."""
        return run(self.root, *arguments, variables=self.variables, **options)

    def log(self, *services: str, lines: int) -> str:
        """The last lines that services wrote; without names, as of one alone."""
        bare = ["--no-log-prefix"] if len(services) == 1 else []
        said = self.compose("logs", "--no-color", *bare, "--tail", str(lines), *services)
        # Compose 2.26 erases a terminal's line before each, whatever it writes to.
        return said.out.replace("\x1b[2K", "").strip()

    def python(self, service: str, *arguments: str, **options: Any) -> Ended:
        """Run the Python of the hub's image in the container of a service that has it."""
        return self.compose("exec", "-T", *_asked_by(), service, PYTHON, *arguments, **options)

    def told(self, service: str, program: str, *arguments: str) -> Any:
        """What a program prints as JSON that is sent into a service's container."""
        ended = self.python(service, "-I", "-", *arguments, given=program, seconds=120)
        return json.loads(ended.require(lines=1))

    def in_hub(self, *arguments: str, **options: Any) -> Ended:
        """Run a command of `python -m hub_config` in the container of the hub that runs."""
        return self.python(self.leader(), "-m", "hub_config", *arguments, **options)

    @property
    def hubs(self) -> tuple[str, ...]:
        """The services of which one is the hub: each takes the place of another that is stopped."""
        return tuple(one for one in (HUB, STANDBY) if one in self.services)

    def leader(self) -> str:
        """The service that is the hub at this moment: one that waits has a file for its health."""
        if STANDBY not in self.services:
            return HUB
        there = self.compose("exec", "-T", HUB, "cat", "/tmp/health-url").out  # noqa: S108
        return HUB if there.startswith("http:") else STANDBY

    def once(self, service: str, *arguments: str, **options: Any) -> Ended:
        """Run a service once, beside what runs of it, in a container that is gone afterwards."""
        words = (*_asked_by(), service, *arguments)
        return self.compose("run", "--rm", "--no-deps", "-T", *words, **options)

    def require_image(self, service: str) -> str:
        """What a service runs from. Raises UsageError where the engine has no such image."""
        if quick.image(image := self.images[service]) is None:  # docker-py would pull it
            repository = image.rpartition(":")[0] or image
            specs = load(self.root / "packages").specs.values()
            package = next((one.name for one in specs if one.repository == repository), "")
            build = f"build it with ./dev invoke build -i {package}, or " if package else ""
            said = [name for name, value in variables_of(self.root).items() if value == image]
            named = (said or ["JHUB_IMAGE_TAG"])[0]
            raise UsageError(f"the engine has no image {image}; {build}correct {named}")
        return image

    def checked(self, *arguments: str) -> None:
        """Run `docker compose`. Raises ActionError with its messages when it fails."""
        self.compose(*arguments).require(f"docker compose {arguments[0]} failed")


def read(root: Path, variables: Mapping[str, str] | None = None) -> Platform:
    """Ask Compose how it understands `compose.yaml`; UsageError with what it refuses."""
    said = {**variables_of(root), **(variables or {})}
    if told := refusals.unheard(said):
        raise UsageError(told)
    ended = run(root, "--profile", "*", "config", "--format", "json", variables=variables)
    if ended.code:
        raise UsageError(refusals.sentence(last_line(ended.err), said))
    platform = from_config(root, json.loads(ended.out), variables)
    # Compose goes by the first, which may be set for whatever else; labels and hub by the second.
    name = platform.hub_environment.get("JHUB_PLATFORM", platform.project)
    if platform.project != name:
        raise UsageError(
            f"COMPOSE_PROJECT_NAME is {platform.project!r}, and JHUB_PLATFORM, by which a platform "
            f"is called, is {name!r}: unset the first, or give both the same"
        )
    return platform


def from_config(
    root: Path, config: Mapping[str, Any], variables: Mapping[str, str] | None = None
) -> Platform:
    """The platform that Compose's JSON describes, which has the services of all profiles. Pure."""
    services: dict[str, Any] = config["services"]
    wanted = frozenset(map(str.strip, f"{config.get('x-profiles', '')},".split(",")))
    started = {
        name: service
        for name, service in services.items()
        if "*" in wanted or wanted & {*(service.get("profiles") or [""])}
    }
    published = started.get(TLS, services[PROXY])["ports"][0]
    environment: dict[str, Any] = services[HUB].get("environment") or {}

    def named(kind: str, key: str) -> str:
        return str(config[kind][key]["name"])

    return Platform(
        root=root,
        project=config["name"],
        port=int(published["published"]),
        bind=published.get("host_ip", ""),
        services=tuple(sorted(started, key=lambda name: (name != HUB, name != PROXY, name))),
        images={name: service.get("image", "") for name, service in services.items()},
        hub_environment={name: str(value) for name, value in environment.items() if value},
        volumes={
            name: {
                mount["target"]: named("volumes", mount["source"])
                for mount in service.get("volumes", ())
                if mount.get("type", "volume") == "volume"
            }
            for name, service in services.items()
        },
        networks={
            name: frozenset(named("networks", key) for key in service.get("networks") or ())
            for name, service in services.items()
        },
        ports={
            name: tuple(
                (f"{one.get('target', 8000)}/tcp", one.get("host_ip", ""), str(one["published"]))
                for one in service.get("ports", ())
            )
            for name, service in started.items()
        },
        backup_settings={
            name: str(value)
            for name, value in (services.get(BACKUP, {}).get("environment") or {}).items()
            if name.startswith("JHUB_BACKUP_") and value
        },
        hub_files=_files(config, services[HUB]),
        profiles=frozenset(
            one for it in services.values() for one in it.get("profiles") or () if one != NEVER
        ),
        wanted=wanted,
        variables=dict(variables or {}),
    )


def _files(config: Mapping[str, Any], service: Mapping[str, Any]) -> dict[str, str]:
    """Binds of a service, and its secrets that are files."""
    known = {name: one["file"] for name, one in config.get("secrets", {}).items() if "file" in one}
    binds = [one for one in service.get("volumes", ()) if one.get("type") == "bind"]
    return {str(one["target"]): str(one["source"]) for one in binds} | {
        str(Path("/run/secrets") / (one.get("target") or one["source"])): str(known[one["source"]])
        for one in service.get("secrets", ())
        if one["source"] in known
    }


def run(
    root: Path, *arguments: str, variables: Mapping[str, str] | None = None, **options: Any
) -> Ended:
    """Run `docker compose`; the caller looks at the exit code."""
    said = encrypted.variables(root) | dict(variables or {})
    words = ("compose", "--project-directory", str(root), *arguments)
    return engine.docker(*words, environment=said, **options)


def show(platform: Platform, *arguments: str) -> int:
    """Run `docker compose` with its output on the terminal; its exit code."""
    words = ("compose", "--project-directory", str(platform.root), *arguments)
    return engine.show_docker(*words, environment=encrypted.variables(platform.root))


def _asked_by() -> tuple[str, str]:
    """Options that tell a container's command whose it is, for the audit log."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a user without a name here
        name = str(os.getuid())
    return "--env", f"OPERATOR={name}"


def variables_of(root: Path) -> dict[str, str]:
    """What a person has set: in the environment, or a file beside compose.yaml."""
    return {**written(root / ".env"), **encrypted.variables(root), **os.environ}


def written(file: Path) -> dict[str, str]:
    """The variables that a file like `.env` sets, as they are written there but for quotes; none
    where there is no such file.
    """
    text = file.read_text("utf-8") if file.is_file() else ""
    pattern = r"^[^\S\n]*(?:export\s+)?([A-Za-z_]\w*)[^\S\n]*[=:](.*)"
    return {name: value.strip(" \t\r'\"") for name, value in re.findall(pattern, text, re.M)}


def last_line(text: str) -> str:
    """What Compose says last; the lines before it are its progress."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].removeprefix("Error response from daemon: ") if lines else "no reason given"
