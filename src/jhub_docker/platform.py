"""The running platform: up, down, status and logs of what `compose.yaml` declares.

Names of containers, networks and volumes are read from Compose's own view of the file, so that
the file with its variables stays the only place that states them.
"""

import difflib
import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from docker import DockerClient
from docker.errors import APIError, ContainerError, ImageNotFound, NotFound

from jhub_docker import engine
from jhub_docker.errors import ActionError, UsageError
from jhub_docker.plan import LABEL
from jhub_docker.progress import stage

HUB, PROXY = "hub", "proxy"
_TOOL_VARIABLES = ("JHUB_DOCKER_", "JHUB_TEST_")
READY_SECONDS = 180.0
_PASSWORD_CHANGED = 3  # exit code of `hub_config admin-password` once the password was changed


@dataclass(frozen=True)
class Platform:
    """What Compose makes of `compose.yaml` and the environment."""

    root: Path
    project: str
    port: int
    bind: str
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
    result = _compose(root, "config", "--format", "json", capture=True)
    if result.returncode:
        raise UsageError(
            f"compose.yaml cannot be used with these variables: {_last_line(result.stderr)}; "
            "JHUB_PORT is a port from 1 to 65535, JHUB_BIND an address of this machine, and "
            "packages/hub/README.md lists the others"
        )
    config: dict[str, Any] = json.loads(result.stdout)
    published = config["services"][PROXY]["ports"][0]
    hub = config["services"][HUB]
    environment: dict[str, Any] = hub.get("environment") or {}
    (data,) = [v["source"] for v in hub["volumes"] if v["target"] == "/srv/jupyterhub"]
    return Platform(
        root=root,
        project=config["name"],
        port=int(published["published"]),
        bind=published.get("host_ip", ""),
        hub_image=hub["image"],
        hub_environment={name: str(value) for name, value in environment.items() if value},
        data_volume=config["volumes"][data]["name"],
    )


def up(client: DockerClient, root: Path) -> str:
    """Start what does not run yet and wait until people can log in; returns what to tell them.

    Raises ActionError with the end of the hub's log when the login page does not answer in time.
    """
    platform = read(root)
    check_settings(client, root)
    with stage("starting hub and proxy"):
        result = _compose(root, "up", "--detach", "--remove-orphans", capture=True)
        if result.returncode:
            hint = (
                f"; port {platform.port} is taken: set JHUB_PORT to a free one"
                if "address already in use" in result.stderr
                else ""
            )
            raise ActionError(f"the platform cannot start: {_last_line(result.stderr)}{hint}")
        _wait_for_login(platform)
    lines = [f"JupyterHub is up: {platform.address}"]
    password = _compose(
        root, "exec", "-T", HUB, "/opt/hub/bin/python", "-m", "hub_config", "admin-password",
        capture=True,
    )  # fmt: skip
    if password.returncode == 0:
        user = _setting(client, platform, "JHUB_ADMIN_USER") or "admin"
        lines.append(f"First login: {user}, one-time password: {password.stdout.strip()}")
        lines.append("The first login asks for a new one; until then no server can be started.")
    elif password.returncode != _PASSWORD_CHANGED:
        lines.append(f"The one-time password cannot be told: {password.stderr.strip()}")
    return "\n".join(lines)


def _setting(client: DockerClient, platform: Platform, name: str) -> str:
    for container in _containers(client, f"com.docker.compose.project={platform.project}"):
        if container["Labels"].get("com.docker.compose.service") == HUB:
            variables: list[str] = client.api.inspect_container(container["Id"])["Config"]["Env"]
            # Compose passes a variable that is not set without an equals sign.
            found = dict(variable.partition("=")[::2] for variable in variables)
            return found.get(name, "")
    return ""


def _wait_for_login(platform: Platform) -> None:
    url = f"{platform.address.rstrip('/')}/hub/login"
    deadline = time.monotonic() + READY_SECONDS
    problem = ""
    while time.monotonic() < deadline:
        try:
            with _opener().open(url, timeout=5) as answer:
                if b'name="password"' in answer.read():
                    return
                problem = "the page has no login form"
        except (OSError, urllib.error.URLError) as error:
            problem = str(error)
        time.sleep(0.25)
    log = _compose(platform.root, "logs", "--no-color", "--tail", "25", capture=True).stdout
    raise ActionError(
        f"{url} does not answer with a login page after {READY_SECONDS:.0f} s ({problem}); "
        f"the last lines of hub and proxy:\n{log}"
    )


def _opener() -> urllib.request.OpenerDirector:
    """An opener that never goes through a proxy: the platform is on this machine's network."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))


def down(
    client: DockerClient, root: Path, *, servers: bool, volumes: bool, assume_yes: bool
) -> str:
    """Stop hub and proxy; with `servers` people's servers too, with `volumes` delete all data.

    Raises UsageError when deletion is asked for without a terminal and without `assume_yes`.
    """
    platform = read(root)
    running = _servers(client, platform)
    doomed = _data_volumes(client, platform) if volumes else []
    if doomed and not assume_yes:
        _confirm("This deletes these volumes and all that is in them:\n  " + "\n  ".join(doomed))
    servers = servers or volumes
    if running and not servers:
        # The network stays, since the servers are on it.
        _checked(root, "rm", "--stop", "--force")
        names = ", ".join(_name(container) for container in running)
        return f"Hub and proxy are stopped. Still running: {names} (--servers stops them too)."
    _checked(root, "rm", "--stop", "--force")
    for container in running:
        client.api.stop(container["Id"])
        _ignore_gone(client.api.remove_container, container["Id"], force=True)
    _checked(root, "down", "--remove-orphans")
    for name in doomed:
        _ignore_gone(client.api.remove_volume, name)
    kept = "All data was deleted." if volumes else "All data is kept."
    return f"Hub and proxy are stopped, {len(running)} servers too. {kept}"


def status(client: DockerClient, root: Path) -> list[dict[str, str]]:
    """Hub, proxy and people's servers of the platform."""
    platform = read(root)
    rows = []
    for container in _containers(client, f"{LABEL}.platform={platform.project}"):
        labels = container["Labels"]
        role = "server" if f"{LABEL}.user" in labels else labels.get("com.docker.compose.service")
        if role in (HUB, PROXY, "server"):
            started = time.localtime(container["Created"])
            rows.append(
                {
                    "container": _name(container),
                    "role": role,
                    "state": container["Status"],
                    "image": container["Image"],
                    "started": time.strftime("%Y-%m-%d %H:%M", started),
                }
            )
    return sorted(
        rows, key=lambda row: ((HUB, PROXY, "server").index(row["role"]), row["container"])
    )


def logs(client: DockerClient, root: Path, service: str, *, follow: bool, tail: int) -> None:
    """Show logs on this terminal; `service` is hub, proxy, empty for both, or a container."""
    options = ["--tail", str(tail), *(["--follow"] if follow else [])]
    rows = status(client, root)
    # People know containers by the names that `status` shows.
    service = next(
        (row["role"] for row in rows if row["container"] == service and row["role"] != "server"),
        service,
    )
    if service in ("", HUB, PROXY):
        if not rows:
            raise ActionError("the platform does not run; start it with ./dev invoke up")
        if _compose(root, "logs", *options, *([service] if service else [])).returncode:
            raise ActionError("docker compose logs failed; see its message above")
        return
    servers = [row["container"] for row in rows if row["role"] == "server"]
    if service not in servers:
        known = ", ".join([HUB, PROXY, *servers])
        raise UsageError(f"there is no container called {service!r}; known: {known}")
    subprocess.run(["docker", "logs", *options, service], env=engine.cli_environment(), check=False)


def check_settings(client: DockerClient, root: Path) -> str:
    """Let the hub image judge the settings it would be started with; nothing is started.

    Raises UsageError with the hub's own words for settings it refuses.
    """
    platform = read(root)
    if unknown := unknown_variables(os.environ, (root / "compose.yaml").read_text("utf-8")):
        raise UsageError("\n".join(unknown))
    known = client.api.volumes(filters={"name": f"^{platform.data_volume}$"})["Volumes"]
    try:
        told: bytes = client.containers.run(
            platform.hub_image,
            ["check"],
            environment=dict(platform.hub_environment),
            network_mode="none",
            remove=True,
            volumes={platform.data_volume: {"bind": "/srv/jupyterhub", "mode": "ro"}}
            if known
            else {},
        )
    except ContainerError as error:
        raise UsageError(error.stderr.decode(errors="replace").strip()) from None
    except ImageNotFound:
        raise UsageError(
            f"the engine has no image {platform.hub_image}; build it with "
            "./dev invoke build -i hub, or correct JHUB_IMAGE_TAG"
        ) from None
    return told.decode().strip()


def unknown_variables(environment: Iterable[str], compose_file: str) -> list[str]:
    """A sentence for each JHUB_… variable that neither the platform nor the tool knows."""
    known = set(re.findall(r"JHUB_[A-Z0-9_]+", compose_file))
    sentences = []
    for name in sorted(environment):
        if name.startswith("JHUB_") and name not in known and not name.startswith(_TOOL_VARIABLES):
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else "see packages/hub/README.md"
            sentences.append(f"{name} is no setting; {hint}")
    return sentences


def _data_volumes(client: DockerClient, platform: Platform) -> list[str]:
    label = f"{LABEL}.platform={platform.project}"
    found = client.api.volumes(filters={"label": label})["Volumes"] or ()
    return sorted(volume["Name"] for volume in found)


def _servers(client: DockerClient, platform: Platform) -> list[dict[str, Any]]:
    found = _containers(client, f"{LABEL}.platform={platform.project}")
    return [container for container in found if f"{LABEL}.user" in container["Labels"]]


def _containers(client: DockerClient, label: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.api.containers(all=True, filters={"label": label})
    return found


def _name(container: Mapping[str, Any]) -> str:
    return str(container["Names"][0]).lstrip("/")


def _ignore_gone(action: Any, *arguments: Any, **options: Any) -> None:
    try:
        action(*arguments, **options)
    except NotFound:
        pass
    except APIError as error:
        if error.status_code != 409:  # being removed already
            raise


def _confirm(warning: str) -> None:
    if not sys.stdin.isatty():
        raise UsageError(f"{warning}\nThere is no terminal to ask at: say --yes to go on")
    print(warning, file=sys.stderr)
    if input("Delete them? [y/N] ").strip().lower() not in ("y", "yes"):
        raise ActionError("nothing was deleted")


def _checked(root: Path, *arguments: str) -> None:
    result = _compose(root, *arguments, capture=True)
    if result.returncode:
        raise ActionError(f"docker compose {arguments[0]} failed:\n{result.stderr.strip()[-2000:]}")


def _last_line(text: str) -> str:
    """What Compose says last; the lines before it are its progress."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].removeprefix("Error response from daemon: ") if lines else "no reason given"


def _compose(
    root: Path, *arguments: str, capture: bool = False
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [
            *("docker", "compose", "--project-directory", str(root)),
            *("--ansi", "auto" if sys.stdout.isatty() else "never"),
            *arguments,
        ],
        env=engine.cli_environment(),
        capture_output=capture,
        text=True,
        check=False,
    )
