"""The running platform: up, down, status and logs of what `compose.yaml` declares.

Names of containers, networks and volumes are read from Compose's own view of the file, so that
the file with its variables stays the only place that states them.
"""

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from docker import DockerClient
from docker.errors import APIError, NotFound

from jhub_docker import engine
from jhub_docker.errors import ActionError, UsageError
from jhub_docker.plan import LABEL
from jhub_docker.progress import stage

HUB, PROXY = "hub", "proxy"
READY_SECONDS = 180.0
_PASSWORD_CHANGED = 3  # exit code of `hub_config admin-password` once the password was changed


@dataclass(frozen=True)
class Platform:
    """What Compose makes of `compose.yaml` and the environment."""

    root: Path
    project: str
    port: int
    bind: str
    base_url: str

    @property
    def address(self) -> str:
        """Where people open the platform."""
        host = "localhost" if self.bind in ("", "0.0.0.0", "127.0.0.1", "::") else self.bind  # noqa: S104
        remote = urlsplit(engine.connect().api.base_url)
        if remote.scheme in ("http", "https") and remote.hostname not in (None, "localhost"):
            host = remote.hostname or host
        return f"http://{host}:{self.port}{self.base_url}"


def read(root: Path) -> Platform:
    """Ask Compose how it understands `compose.yaml`; UsageError with its words if it does not."""
    result = _compose(root, "config", "--format", "json", capture=True)
    if result.returncode:
        raise UsageError(f"compose.yaml cannot be used:\n{result.stderr.strip()}")
    config: dict[str, Any] = json.loads(result.stdout)
    published = config["services"][PROXY]["ports"][0]
    environment: Mapping[str, Any] = config["services"][HUB].get("environment") or {}
    return Platform(
        root=root,
        project=config["name"],
        port=int(published["published"]),
        bind=published.get("host_ip", ""),
        base_url=environment.get("JHUB_BASE_URL") or "/",
    )


def up(client: DockerClient, root: Path) -> str:
    """Start what does not run yet and wait until people can log in; returns what to tell them.

    Raises ActionError with the end of the hub's log when the login page does not answer in time.
    """
    platform = read(root)
    with stage("starting hub and proxy"):
        result = _compose(root, "up", "--detach", "--remove-orphans", capture=True)
        if result.returncode:
            raise ActionError(f"docker compose up failed:\n{result.stderr.strip()[-2000:]}")
        _wait_for_login(platform)
    lines = [f"JupyterHub is up: {platform.address}"]
    password = _compose(
        root, "exec", "-T", HUB, "/opt/hub/bin/python", "-m", "hub_config", "admin-password",
        capture=True,
    )  # fmt: skip
    if password.returncode == 0:
        user = _setting(client, platform, "JHUB_ADMIN_USER") or "admin"
        lines.append(f"First login: {user}, one-time password: {password.stdout.strip()}")
        lines.append("It has to be changed at the first login.")
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


def status(client: DockerClient) -> list[dict[str, str]]:
    """Hub, proxy and people's servers of every platform in the engine."""
    rows = []
    for label, role in (
        ("com.docker.compose.service=hub", HUB),
        ("com.docker.compose.service=proxy", PROXY),
        (f"{LABEL}.user", "server"),
    ):
        for container in _containers(client, label):
            labels = container["Labels"]
            if role == "server" or f"{LABEL}.platform" in labels:
                rows.append(
                    {
                        "container": _name(container),
                        "role": role,
                        "state": container["Status"],
                        "image": container["Image"],
                        "started": time.strftime(
                            "%Y-%m-%d %H:%M", time.localtime(container["Created"])
                        ),
                    }
                )
    return rows


def logs(client: DockerClient, root: Path, service: str, *, follow: bool, tail: int) -> None:
    """Show logs on this terminal; `service` is hub, proxy, empty for both, or a container."""
    options = ["--tail", str(tail), *(["--follow"] if follow else [])]
    if service in ("", HUB, PROXY):
        if _compose(root, "logs", *options, *([service] if service else [])).returncode:
            raise ActionError("docker compose logs failed; see its message above")
        return
    servers = [_name(container) for container in _containers(client, f"{LABEL}.user")]
    if service not in servers:
        known = ", ".join([HUB, PROXY, *servers])
        raise UsageError(f"there is no container called {service!r}; known: {known}")
    subprocess.run(["docker", "logs", *options, service], env=engine.cli_environment(), check=False)


def check_settings(client: DockerClient, root: Path) -> str:
    """Let the hub image judge the settings it would be started with; nothing is started."""
    read(root)
    result = _compose(root, "run", "--rm", "--no-deps", "-T", HUB, "check", capture=True)
    if result.returncode:
        raise UsageError((result.stderr + result.stdout).strip())
    return result.stdout.strip()


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


def _compose(
    root: Path, *arguments: str, capture: bool = False
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["docker", "compose", "--project-directory", str(root), *arguments],
        env=engine.cli_environment(),
        capture_output=capture,
        text=True,
        check=False,
    )
