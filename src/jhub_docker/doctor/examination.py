"""One look at everything, in an order in which each part knows what it stands on."""

import os
import stat
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

from docker import DockerClient

from jhub_docker import host
from jhub_docker.doctor import facts, gpus, kept, machine, outside, running, swarms, tried
from jhub_docker.doctor.findings import WARNING, Examined, Finding, found
from jhub_docker.doctor.machine import Space
from jhub_docker.engine import checks, connect, lock, usage
from jhub_docker.engine.address import address
from jhub_docker.errors import ActionError, JhubDockerError, UsageError, foreseeable
from jhub_docker.host.machine import own_certificates
from jhub_docker.platform import chosen, compose, containers, firewall, left_over
from jhub_docker.platform.compose import HUB, Platform
from jhub_docker.platform.configuration import check_settings, telling_all
from jhub_docker.platform.firewall import GUARD
from jhub_docker.progress import say
from jhub_docker.secrets import whereabouts

IN_THE_HUB = "secrets, database, second factors, disk of the data volume"


class _Look:
    """What was found so far; a part that cannot be looked at does not end the rest."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.not_seen: dict[str, str] = {}

    def at(self, what: str, look: Callable[[], list[Finding]]) -> None:
        say(f"looking at {what} …")
        try:
            self.findings += look()
        except Exception as error:
            if (known := foreseeable(error)) is None:
                raise
            self.not_seen[what] = str(known)


def examine(root: Path) -> Examined:
    """Look at engine and platform of this checkout, and change neither; each part is said, since
    together they take a while.

    Raises UsageError for a JHUB_DOCKER_MIN_FREE_GB that is no number.
    """
    minimum_gb = checks.minimum_free_gb(os.environ.get("JHUB_DOCKER_MIN_FREE_GB"))
    look = _Look()
    try:
        client = connect()
    except JhubDockerError as error:
        look.findings.append(Finding("JD001", str(error)))
        look.not_seen["engine and platform"] = "no engine answers"
    else:
        look.at("engine", lambda: _engine(client))
        _platform(look, client, root, minimum_gb)
        look.at("space of images and build cache", lambda: machine.unneeded(usage.of(client)))
    return Examined(tuple(look.findings), look.not_seen)


def _engine(client: DockerClient) -> list[Finding]:
    """Version, plugins, clock, and what a restart of it would do."""
    findings = machine.engine(client.version(), checks.wrong_plugins({"buildx", "compose"}))
    findings += machine.clock(*facts.clock(client)) + machine.storage(client.info())
    hint = host.restart_hint(client)
    return findings + found("JD003", [hint] if hint else [], WARNING)


def _platform(look: _Look, client: DockerClient, root: Path, minimum_gb: float) -> None:
    info = client.info()
    space = facts.local_space(info)
    seen: dict[str, Any] = {}
    try:
        with telling_all(client, root):
            platform = chosen.read(client, root)
    except UsageError as error:
        look.findings.append(Finding("JD020", str(error)))
        look.not_seen["platform"] = "Compose cannot use its settings"
    except ActionError as error:
        look.not_seen["platform"] = str(error)
    else:
        with tried.alone(client, platform):
            _parts(look, client, platform, seen)
    if space := space or (Space(**seen["engine"]) if seen else None):
        where = str(info["DockerRootDir"])
        look.findings += machine.engine_disk(where, space, minimum_gb)
        look.findings += machine.inodes(f"the disk of {where}", space)
    else:
        look.not_seen["the engine's disk"] = "it is on another machine"


def _parts(look: _Look, client: DockerClient, platform: Platform, seen: dict[str, Any]) -> None:
    look.at("settings", lambda: _settings(client, platform))
    if platform.hub_environment.get("JHUB_RUNTIME") == "swarm":
        look.at("the swarm", lambda: _swarm(look, client))
    there = containers.inspected(client, platform)
    look.at("services", lambda: _services(client, platform, there))
    if running.runs(there, HUB):
        look.at("the hub's answers", lambda: running.answers(*facts.asked(platform)))
        look.at("the public address", lambda: outside.look(platform))
        look.at(IN_THE_HUB, lambda: _hub(client, platform, seen))
        look.at("what servers reach", lambda: _reached(client, platform))
        look.at("second factors", lambda: kept.factors(facts.factors(platform)))
    else:
        look.not_seen[IN_THE_HUB] = "no hub runs"
    if running.runs(there, GUARD):
        look.at("routes", lambda: found("JD016", facts.clashes(platform)))
    else:
        look.not_seen["whether addresses overlap with routes"] = "no guard runs"
    look.at("homes", lambda: machine.homes(tried.room(client, platform)))
    look.at("GPU", lambda: _gpu(client, platform))
    look.at("leftovers", lambda: _left_over(client, platform, there))
    look.at("backups", lambda: _backups(client, platform))


def _settings(client: DockerClient, platform: Platform) -> list[Finding]:
    findings = found("JD015", firewall.warnings(platform), WARNING)
    if (file := platform.root / ".env").is_file():
        findings += kept.env_file(stat.S_IMODE(file.stat().st_mode), compose.written(file))
    if not compose.engine_host(address()):
        bundle = platform.hub_environment.get("JHUB_CA_BUNDLE", "")
        findings += machine.certificates(own_certificates(), bundle)
    try:
        check_settings(client, platform)
    except UsageError as error:
        findings.append(Finding("JD020", str(error)))
    return findings


def _swarm(look: _Look, client: DockerClient) -> list[Finding]:
    look.not_seen |= swarms.not_there(client.api.nodes())
    return []


def _services(
    client: DockerClient, platform: Platform, there: Sequence[running.Inspected]
) -> list[Finding]:
    words = {
        running.service(one): facts.last_words(client, one["Id"]) for one in running.ailing(there)
    }
    return [
        *kept.shown(whereabouts.shown(there)),
        *running.services(platform, there, words),
        *running.images(there, facts.own_images(platform)),
        *running.ports(platform, there),
    ]


def _reached(client: DockerClient, platform: Platform) -> list[Finding]:
    if firewall.warnings(platform):
        return []  # it is off, and that was told
    pool, bridges = facts.policy(platform)
    return found("JD050", tried.reached(client, platform, pool, bridges))


def _gpu(client: DockerClient, platform: Platform) -> list[Finding]:
    variables = platform.hub_environment
    findings = gpus.undiscovered(variables, client.info())
    for what, wanted in gpus.requests(variables):
        if said := tried.gpu(client, platform, wanted):
            findings.append(Finding("JD051", f"{what}: {said}", WARNING))
    return findings


def _hub(client: DockerClient, platform: Platform, seen: dict[str, Any]) -> list[Finding]:
    """What is seen from inside the hub's container, which stays in `seen`."""
    seen.update(facts.hub_sees(platform))
    space = Space(**seen["data"])
    return [
        *kept.secrets(seen["secrets"]),
        *kept.older(seen["older"]),
        *kept.database(seen["database"]),
        *machine.data_disk(platform.data_volume, space),
        *machine.inodes(f"the disk of the volume {platform.data_volume}", space),
        *running.versions(seen["jupyterhub"], facts.offered(client, platform)),
    ]


def _left_over(
    client: DockerClient, platform: Platform, there: Sequence[running.Inspected]
) -> list[Finding]:
    if lock.is_held(platform.project):
        raise ActionError("an up, down, upgrade, backup or restore of it is at work")
    report = facts.hub_report(platform) if running.runs(there, HUB) else None
    servers = containers.servers(client, platform), containers.server_networks(client, platform)
    return running.left_over(left_over.look(client, platform), [*chain(*servers)], report)


def _backups(client: DockerClient, platform: Platform) -> list[Finding]:
    configured = "JHUB_BACKUP_TO" in compose.person_set(platform.root)
    status = facts.backup_status(client, platform)
    return kept.backup(configured=configured, status=status, now=datetime.now(UTC))
