"""One look at everything, in an order in which each part knows what it stands on.

Engine, the hub's container and the platform from outside are asked; what they say is judged
elsewhere. Nothing is changed.
"""

import json
import os
import stat
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from jhub_docker import engine
from jhub_docker.catalog.identity import LABEL
from jhub_docker.doctor import gpus, hub_files, kept, machine, outside, running, tried
from jhub_docker.doctor.findings import WARNING, Examined, Finding, found
from jhub_docker.engine import checks, lock, quick, restarts
from jhub_docker.engine.address import address, engine_host
from jhub_docker.errors import ActionError, JhubDockerError, UsageError, foreseeable
from jhub_docker.host.machine import own_certificates
from jhub_docker.platform import chosen, compose, containers, firewall, left_over
from jhub_docker.platform.compose import DATA, HUB, Platform
from jhub_docker.platform.configuration import check_settings
from jhub_docker.platform.firewall import GUARD
from jhub_docker.progress import say

IN_THE_HUB = "secrets, database, second factors, disk of the data volume"

CLASHES = """
import json, os
from hub_config.runtime import guard
from hub_config.settings import reading
pool = reading.read(os.environ, default_file=None).address_pool
print(json.dumps(guard.pool_clashes(pool, guard.ROUTES.read_text())))
"""
"""The guard's own judgement, which it makes when it starts, of the routes there are now."""

POLICY = """
import json, os
from hub_config.runtime import plan
from hub_config.settings import reading
settings = reading.read(os.environ, default_file=None)
print(json.dumps([str(settings.address_pool), plan.bridge_prefix(settings.platform)]))
"""
"""Run by the hub: the servers' addresses, and how their networks' interfaces are called."""


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
    """Look at engine and platform of this checkout, and change neither; each part is said."""
    minimum_gb = checks.minimum_free_gb(os.environ.get("JHUB_DOCKER_MIN_FREE_GB"))
    look = _Look()
    try:
        engine.client()
    except JhubDockerError as error:
        look.findings.append(Finding("JD001", str(error)))
        look.not_seen["engine and platform"] = "no engine answers"
    else:
        look.at("engine", _engine)
        _platform(look, root, minimum_gb)
    return Examined(tuple(look.findings), look.not_seen)


def _engine() -> list[Finding]:
    """Version, plugins, clock, and what a restart of it would do."""
    before, info = datetime.now(UTC), engine.api().info()
    told = datetime.fromisoformat(info["SystemTime"]).astimezone(UTC)
    after, hint = datetime.now(UTC), restarts.hint(info)
    return [
        *machine.engine(engine.api().version(), checks.wrong_plugins({"buildx", "compose"})),
        *machine.clock(told, before, after),
        *machine.storage(info),
        *found("JD003", [hint] if hint else [], WARNING),
    ]


def _platform(look: _Look, root: Path, minimum_gb: float) -> None:
    info = engine.api().info()
    where, space = str(info["DockerRootDir"]), dict[str, int]()
    if checks.free_bytes(info, address()) is not None:
        space = hub_files.space(Path(where))
    try:
        platform = chosen.read(root)
    except UsageError as error:
        look.findings.append(Finding("JD020", str(error)))
        look.not_seen["platform"] = "Compose cannot use its settings"
    except ActionError as error:
        look.not_seen["platform"] = str(error)
    else:
        with tried.alone(platform):
            seen = _parts(look, platform)
        space = space or seen
    if space:
        look.findings += machine.engine_disk(where, space.pop("room"), minimum_gb)
        look.findings += machine.few_inodes(f"the disk of {where}", **space)
    else:
        look.not_seen["the engine's disk"] = "it is on another machine"


def _parts(look: _Look, platform: Platform) -> dict[str, int]:
    """All of a platform; room on the engine's disk, as far as its hub sees it."""
    room: dict[str, int] = {}
    look.at("settings", lambda: _settings(platform))
    if platform.hub_environment.get("JHUB_RUNTIME") == "swarm":
        look.at("the swarm", lambda: _swarm(look))
    there = containers.inspected(platform)
    look.at("services", lambda: _services(platform, there))
    if running.runs(there, HUB):
        look.at("the hub's answers", lambda: outside.answers(platform))
        look.at("the public address", lambda: outside.look(platform))
        look.at(IN_THE_HUB, lambda: _hub(platform, room))
        look.at("what servers reach", lambda: _reached(platform))
        look.at("second factors", lambda: _factors(platform))
    else:
        look.not_seen[IN_THE_HUB] = "no hub runs"
    if running.runs(there, GUARD):
        look.at("routes", lambda: found("JD016", platform.told(GUARD, CLASHES)))
    else:
        look.not_seen["whether addresses overlap with routes"] = "no guard runs"
    look.at("homes", lambda: machine.homes(tried.room(platform)))
    look.at("GPU", lambda: gpus.look(platform))
    look.at("leftovers", lambda: _left_over(platform, there))
    look.at("backups", lambda: _backups(platform))
    return room


def _settings(platform: Platform) -> list[Finding]:
    findings = found("JD015", firewall.warnings(platform), WARNING)
    if (file := platform.root / ".env").is_file():
        findings += kept.env_file(stat.S_IMODE(file.stat().st_mode), compose.written(file))
    if not engine_host(address()):
        bundle = platform.hub_environment.get("JHUB_CA_BUNDLE", "")
        findings += machine.certificates(own_certificates(), bundle)
    try:
        check_settings(platform)
    except UsageError as error:
        findings.append(Finding("JD020", str(error)))
    return findings


def _swarm(look: _Look) -> list[Finding]:
    look.not_seen |= machine.of_swarm(engine.api().nodes())
    return []


def _services(platform: Platform, there: Sequence[running.Inspected]) -> list[Finding]:
    words = {
        containers.service(one): engine.api().logs(one["Id"], tail=3).decode(errors="replace")
        for one in running.ailing(there)
    }
    own = {service: quick.image(platform.images[service]) for service in platform.services}
    return [
        *kept.shown(there),
        *running.services(platform, there, words),
        *running.images(there, {service: one["Id"] for service, one in own.items() if one}),
        *running.ports(platform, there),
    ]


def _hub(platform: Platform, room: dict[str, int]) -> list[Finding]:
    """What is seen from inside the hub's container; of the engine's disk it is put into `room`."""
    program = Path(hub_files.__file__).read_text("utf-8")
    seen = platform.told(HUB, program, DATA, "/srv/proxy")
    room |= seen["engine"]
    space, key = seen["data"], f"{LABEL}.jupyterhub"
    tag = platform.hub_environment.get("JHUB_IMAGE_TAG", "latest")
    offered = [
        (f"the image {name}", image["Labels"].get(key, ""))
        for image in engine.api().images(filters={"label": f"{LABEL}.profiles"})
        for name in image["RepoTags"] or ()
        if name.endswith(f":{tag}")
    ]
    servers = [
        (f"the server {containers.name(one)}", one["Labels"].get(key, ""))
        for one in containers.servers(platform)
    ]
    return [
        *kept.in_hub(seen),
        *machine.data_disk(platform.data_volume, space.pop("room")),
        *machine.few_inodes(f"the disk of the volume {platform.data_volume}", **space),
        *running.versions(seen["jupyterhub"], [*offered, *servers]),
    ]


def _reached(platform: Platform) -> list[Finding]:
    if firewall.warnings(platform):
        return []  # it is off, and that was told
    pool, bridges = platform.told(HUB, POLICY)
    return found("JD050", tried.reached(platform, pool, bridges))


def _factors(platform: Platform) -> list[Finding]:
    ended = platform.in_hub("read-factors", seconds=120)
    others = "JHUB_AUTHENTICATOR is" in ended.err  # accounts are another service's
    return [] if others else kept.factors(json.loads(ended.require(lines=1)))


def _left_over(platform: Platform, there: Sequence[running.Inspected]) -> list[Finding]:
    if lock.is_held(platform.project):
        raise ActionError("an up, down, upgrade, backup or restore of it is at work")
    report = None
    if running.runs(there, HUB):
        ended = platform.in_hub("report", seconds=120)
        report = {} if "has not compared" in ended.err else json.loads(ended.require(lines=1))
    servers = containers.servers(platform) + containers.server_networks(platform)
    return running.left_over(left_over.look(platform), servers, report)


def _backups(platform: Platform) -> list[Finding]:
    configured = "JHUB_BACKUP_TO" in compose.variables_of(platform.root)
    status = tried.backups(platform)
    return kept.backup(configured=configured, status=status, now=datetime.now(UTC))
