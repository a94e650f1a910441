"""Starts the platform and waits until people can log in; stops it, and deletes only when told."""

import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from docker import DockerClient
from docker.errors import APIError, NotFound

from jhub_docker import host
from jhub_docker.asking import confirm
from jhub_docker.errors import ActionError
from jhub_docker.platform import compose, containers, firewall
from jhub_docker.platform.compose import HUB, Platform
from jhub_docker.platform.configuration import check_settings
from jhub_docker.progress import stage

READY_SECONDS = 180.0
_PASSWORD_CHANGED = 3  # exit code of `hub_config admin-password` once the password was changed


def up(client: DockerClient, root: Path) -> str:
    """Start what does not run yet and wait until people can log in; returns what to tell them.

    Raises ActionError with the end of the services' logs when the login page does not answer in
    time, UsageError for settings the hub refuses: then nothing that runs was touched.
    """
    platform = compose.read(root)
    _, *notices = check_settings(client, root).splitlines()
    with stage("starting the platform"):
        result = compose.run(root, "up", "--detach", "--remove-orphans")
        if result.code:
            hint = (
                f"; port {platform.port} is taken: set JHUB_PORT to a free one"
                if "address already in use" in result.err
                else ""
            )
            raise ActionError(
                f"the platform cannot start: {compose.last_line(result.err)}{hint}"
                f"{firewall.reason(platform, result.err)}"
            )
        _wait_for_login(platform)
    told = [f"JupyterHub is up: {platform.address}", *_first_login(client, platform)]
    told += firewall.warnings(platform)
    told += notices
    if advice := host.restart_hint(client):
        told.append(f"Hint: {advice}")
    return "\n".join(told)


def _first_login(client: DockerClient, platform: Platform) -> list[str]:
    """How to log in for the first time; nothing once somebody has."""
    password = compose.run(
        platform.root, "exec", "-T", HUB, "/opt/hub/bin/python", "-m", "hub_config",
        "admin-password",
    )  # fmt: skip
    if password.code == _PASSWORD_CHANGED:
        return []
    if password.code:
        return [f"The one-time password cannot be told: {password.err.strip()}"]
    admin = containers.environment(client, platform, HUB).get("JHUB_ADMIN_USER") or "admin"
    return [
        f"First login: {admin}, one-time password: {password.out.strip()}",
        "The first login asks for a new one; until then no server can be started.",
    ]


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
    log = compose.run(platform.root, "logs", "--no-color", "--tail", "25").out
    raise ActionError(
        f"{url} does not answer with a login page after {READY_SECONDS:.0f} s ({problem}); "
        f"the last lines of the platform's services:\n{log}"
    )


def _opener() -> urllib.request.OpenerDirector:
    """An opener that never goes through a proxy: the platform is on this machine's network."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))


def down(
    client: DockerClient, root: Path, *, servers: bool, volumes: bool, assume_yes: bool
) -> str:
    """Stop the services; with `servers` people's servers too, with `volumes` delete all data.

    Raises UsageError when deletion is asked for without a terminal and without `assume_yes`.
    """
    platform = compose.read(root)
    running = containers.servers(client, platform)
    doomed = containers.volumes(client, platform) if volumes else []
    if doomed and not assume_yes:
        confirm(
            "This deletes these volumes and all that is in them:\n  " + "\n  ".join(doomed),
            "Delete them?",
            "nothing was deleted",
        )
    servers = servers or volumes
    if running and not servers:
        # The networks stay, since the servers are on them, and so do the firewall's rules.
        compose.checked(root, "rm", "--stop", "--force")
        names = ", ".join(containers.name(container) for container in running)
        return f"Hub and proxy are stopped. Still running: {names} (--servers stops them too)."
    # The guard ends last: when no server's network is left it takes the rules away.
    others = [service for service in platform.services if service != firewall.GUARD]
    compose.checked(root, "rm", "--stop", "--force", *others)
    for container in running:
        client.api.stop(container["Id"])
        _ignore_gone(client.api.remove_container, container["Id"], force=True)
    for network in containers.server_networks(client, platform):
        _ignore_gone(client.api.remove_network, network["Id"])
    firewall.remove_rules_left(client, platform)
    compose.checked(root, "down", "--remove-orphans")
    for name in doomed:
        _ignore_gone(client.api.remove_volume, name)
    kept = "All data was deleted." if volumes else "All data is kept."
    return f"Hub and proxy are stopped, {len(running)} servers too. {kept}"


def _ignore_gone(action: Any, *arguments: Any, **options: Any) -> None:
    try:
        action(*arguments, **options)
    except NotFound:
        pass
    except APIError as error:
        if error.status_code != 409:  # being removed already
            raise
