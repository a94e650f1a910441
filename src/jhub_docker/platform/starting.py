"""Starts the platform and waits until its hub answers; what an interrupted start left is mended."""

import time
from collections.abc import Iterable, Mapping
from typing import Any

from jhub_docker import engine
from jhub_docker.errors import ActionError, UsageError
from jhub_docker.platform import chosen, compose, containers, entrance, ports
from jhub_docker.platform.compose import GUARD, TLS, Platform
from jhub_docker.platform.configuration import check_settings
from jhub_docker.progress import stage

READY_SECONDS = 300.0
_PASSWORD_CHANGED = 3  # exit code of `hub_config admin-password` once the password was changed

OURS = "local/"
"""How the names of images begin that are built here."""

Inspected = Mapping[str, Any]


def bring_up(platform: Platform) -> list[str]:
    """Start what does not run yet of a platform that the caller has locked, and wait for its hub.

    Returns what the hub says of its settings and its disk. Raises ActionError with a service's last
    words when it cannot start, UsageError for settings that the hub refuses or that what runs does
    not have: then nothing that runs was touched.
    """
    return [*require_startable(platform), *start(platform)]


def require_startable(platform: Platform) -> list[str]:
    """Raises UsageError for what `bring_up` refuses; returns what the hub says of its settings."""
    with stage("judging the settings"):
        notices = check_settings(platform)
    for service, image in platform.images.items():
        if image.startswith(OURS) and service in platform.services:  # no registry has it
            platform.require_image(service)
    there = [one for one in containers.inspected(platform) if not containers.is_left_over(one)]
    require_same(platform, there)
    # Two hubs would spoil their data.
    if elsewhere := containers.used_elsewhere(platform):
        raise UsageError(f"another platform runs with {_of_others(platform, elsewhere)}")
    ports.require_free(platform, there)
    # Its people and homes, mostly by mistake.
    if adopted := containers.volumes_of_others(platform):
        said = _of_others(platform, adopted)
        notices = [*notices, f"Warning: what another platform made is used: {said}"]
    return notices


def _of_others(platform: Platform, found: Mapping[str, str]) -> str:
    """What is of other platforms, and what is to be set for one beside them; some may be set."""
    whose = ", ".join(f"{name} (of {owner})" for name, owner in sorted(found.items()))
    names = {**chosen.names(platform.project), "JHUB_PORT": str(platform.port + 1)}
    lines = "".join(f"\n  {name}={value}" for name, value in names.items())
    return f"{whose}. A platform of its own has names of its own, such as these (.env):{lines}"


def start(platform: Platform, *services: str) -> list[str]:
    """Start these services, all by default, and wait for the hub; what it says of its disk."""
    there = containers.inspected(platform)
    before = {one["Id"]: one["RestartCount"] for one in there if one["State"]["Running"]}
    with stage("starting the platform"):
        for container in there:
            if containers.is_left_over(container):
                containers.remove(container["Id"])
        # Compose knows it without a domain, too, and leaves it running.
        for container in () if TLS in platform.services else containers.of_service(platform, TLS):
            containers.remove(container["Id"], stop=True)
        ended = platform.compose("up", "--detach", "--remove-orphans", *services)
        if ended.code:
            said = [f"the platform cannot start: {compose.last_line(ended.err)}"]
            said += [f"; {port}"] if (port := ports.refusal(platform, ended.err)) else []
            if f"-{GUARD}-" in ended.err:  # that it did not start
                said += ["\n", platform.log(GUARD, lines=4)]
            raise ActionError("".join(said).rstrip())
        complaint = wait(platform, before)
    return [f"Warning: {complaint}"] if complaint else []


def require_same(platform: Platform, there: Iterable[Inspected]) -> None:
    """Raise UsageError where a container has other volumes or networks than it would get now.

    Compose leaves such a container as it is, and so nothing would have changed.
    """
    for container in there:
        service = containers.service(container)
        wanted = platform.volumes.get(service, {})
        other = [
            f"{mount['Name']} instead of the volume {volume}"
            for mount in container["Mounts"]
            if mount["Type"] == "volume"
            and (volume := wanted.get(mount["Destination"], mount["Name"])) != mount["Name"]
        ]
        joined = container["NetworkSettings"]["Networks"]
        missing = platform.networks.get(service, frozenset()) - joined.keys()
        other += [f"no network {network}" for network in sorted(missing)]
        if other:
            raise UsageError(
                f"the {service} that is there has {', '.join(other)}: `./dev invoke down` first, "
                "or take the change back (JHUB_DATA_VOLUME, JHUB_PROXY_VOLUME, JHUB_NETWORK)"
            )


def wait(platform: Platform, before: Mapping[str, int]) -> str:
    """Wait until the hub answers through the proxy; returns what it complains of, mostly nothing.

    A service that ends is stopped, so that it does not try again for ever, and told at once.
    """
    deadline = time.monotonic() + READY_SECONDS
    problem = ""
    while time.monotonic() < deadline:
        for container in containers.inspected(platform):
            ended = container["State"]["Status"] in ("exited", "dead", "restarting")
            if ended or container["RestartCount"] > before.get(container["Id"], 0):
                engine.api().stop(container["Id"])
                log = engine.api().logs(container["Id"], tail=15).decode(errors="replace").strip()
                service = containers.service(container)
                code = container["State"]["ExitCode"]  # 0 while it is being tried again
                by = f" (exit code {code})" if code else ""
                raise ActionError(
                    f"the {service} cannot start{by}, and was stopped; it said last:\n{log}"
                )
        problem, complaint = entrance.asked(platform)
        if not problem:
            return complaint
        time.sleep(0.25)
    log = platform.log(lines=25)
    raise ActionError(
        f"{entrance.health(platform.address)} does not answer after {READY_SECONDS:.0f} s "
        f"({problem}); the last lines of the platform's services:\n{log}"
    )


def first_login(platform: Platform) -> list[str]:
    """How to log in for the first time; nothing once somebody has."""
    password = platform.in_hub("admin-password")
    if password.code == _PASSWORD_CHANGED:
        return []
    if password.code:
        return [f"The one-time password cannot be told: {password.err.strip()}"]
    admin = platform.hub_environment.get("JHUB_ADMIN_USER") or "admin"
    return [
        f"First login: {admin}, one-time password: {password.out.strip()}",
        "The first login asks for a new one; until then no server can be started.",
    ]
