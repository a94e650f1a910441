"""One look at everything, in an order in which each part knows what it stands on.

Engine, the hub's container and the platform from outside are asked; what they say is judged
elsewhere. Nothing is changed.
"""

import json
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jhub_docker import engine
from jhub_docker.catalog.identity import LABEL
from jhub_docker.doctor import hub_files, judging, outside, tried
from jhub_docker.doctor.findings import WARNING, Examined, Finding, found
from jhub_docker.engine import checks, lock, quick, restarts
from jhub_docker.engine.address import address, engine_host
from jhub_docker.errors import ActionError, JhubDockerError, UsageError
from jhub_docker.host.machine import own_certificates
from jhub_docker.platform import chosen, compose, containers, entrance, left_over
from jhub_docker.platform.compose import DATA, GUARD, HUB, Platform
from jhub_docker.platform.configuration import check_settings

IN_THE_HUB = "secrets, database, second factors, disk of the data volume"
ELSEWHERE = "the engine's disk"

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


def examine(root: Path) -> Examined:
    """Look at engine and platform of this checkout, and change neither; each part is said."""
    minimum_gb, seen = checks.minimum_free_gb(os.environ.get("JHUB_DOCKER_MIN_FREE_GB")), Examined()
    try:
        info = engine.client().info()
    except JhubDockerError as error:
        seen.findings.append(Finding("JD001", str(error)))
        seen.not_seen["engine and platform"] = "no engine answers"
        return seen
    seen.look("engine", lambda: _engine(minimum_gb))
    if checks.free_bytes(info, address()) is None:
        seen.not_seen[ELSEWHERE] = "it is on another machine"
    try:
        platform = chosen.read(root)
    except UsageError as error:
        seen.findings.append(Finding("JD020", str(error)))
        seen.not_seen["platform"] = "Compose cannot use its settings"
    except ActionError as error:
        seen.not_seen["platform"] = str(error)
    else:
        with tried.alone(platform):
            _platform(seen, platform, minimum_gb)
    return seen


def _engine(minimum_gb: float) -> Iterator[Finding]:
    """Version, plugins, clock, disk, and what a restart of it would do."""
    before, info = datetime.now(UTC), engine.api().info()
    told = datetime.fromisoformat(info["SystemTime"]).astimezone(UTC)
    yield from judging.clock(told, before, datetime.now(UTC))
    version = engine.api().version()
    wrong = [checks.judge_engine(str(version["Version"]), str(version.get("Os", "linux")))]
    wrong += checks.wrong_plugins({"buildx", "compose"}).values()
    yield from found("JD002", filter(None, wrong))
    yield from judging.storage(info)
    if hint := restarts.hint(info):
        yield Finding("JD003", hint, WARNING)
    if checks.free_bytes(info, address()) is not None:
        yield from _engine_disk(hub_files.space(Path(info["DockerRootDir"])), minimum_gb)


def _engine_disk(space: Mapping[str, int], minimum_gb: float) -> Iterator[Finding]:
    what = f"the disk of the engine's data ({engine.api().info()['DockerRootDir']})"
    return judging.disk("JD004", what, space, minimum_gb)


def _platform(seen: Examined, platform: Platform, minimum_gb: float) -> None:
    """All of a platform."""
    seen.look("settings", lambda: _settings(platform))
    if platform.hub_environment.get("JHUB_RUNTIME") == "swarm":
        seen.look("the swarm", lambda: _swarm(seen))
    there = containers.inspected(platform)
    seen.look("services", lambda: _services(platform, there))
    if judging.runs(there, HUB):
        seen.look("the hub's answers", lambda: outside.answers(platform))
        seen.look("the public address", lambda: outside.look(platform))
        seen.look(IN_THE_HUB, lambda: _hub(seen, platform, minimum_gb))
        if not entrance.unguarded(platform):  # it is off, and that was told
            seen.look("what servers reach", lambda: _reached(platform))
        seen.look("second factors", lambda: _factors(platform))
    else:
        seen.not_seen[IN_THE_HUB] = "no hub runs"
    if judging.runs(there, GUARD):
        seen.look("routes", lambda: found("JD016", platform.told(GUARD, CLASHES)))
    else:
        seen.not_seen["whether addresses overlap with routes"] = "no guard runs"
    seen.look("homes", lambda: judging.homes(tried.room(platform)))
    seen.look("GPU", lambda: tried.gpus(platform))
    seen.look("leftovers", lambda: _left_over(platform, there))
    seen.look("backups", lambda: _backups(platform))


def _settings(platform: Platform) -> Iterator[Finding]:
    yield from found("JD015", entrance.unguarded(platform), WARNING)
    if (file := platform.root / ".env").is_file():
        yield from judging.env_file(stat.S_IMODE(file.stat().st_mode), compose.written(file))
    own = [] if engine_host(address()) else own_certificates()
    if own and not platform.hub_environment.get("JHUB_CA_BUNDLE"):
        says = f"this machine has {', '.join(own)}, and JHUB_CA_BUNDLE is not set"
        yield Finding("JD032", says, WARNING)
    try:
        check_settings(platform)
    except UsageError as error:
        yield Finding("JD020", str(error))


def _swarm(seen: Examined) -> list[Finding]:
    seen.not_seen |= judging.of_swarm(engine.api().nodes())
    return []


def _services(platform: Platform, there: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    words = {
        containers.service(one): engine.api().logs(one["Id"], tail=3).decode(errors="replace")
        for one in there
        if not containers.is_left_over(one) and judging.judged(one)[0]
    }
    own = {service: quick.image(platform.images[service]) for service in platform.services}
    yield from judging.shown(there)
    yield from judging.services(platform, there, words)
    yield from judging.images(there, {service: one["Id"] for service, one in own.items() if one})
    yield from judging.ports(platform, there)


def _hub(seen: Examined, platform: Platform, minimum_gb: float) -> Iterator[Finding]:
    """What is seen from inside the hub's container; of an engine elsewhere its disk, too."""
    program = Path(hub_files.__file__).read_text("utf-8")
    said = platform.told(HUB, program, DATA, "/srv/proxy")
    if seen.not_seen.pop(ELSEWHERE, ""):
        yield from _engine_disk(said["engine"], minimum_gb)
    yield from judging.in_hub(said)
    what = f"the disk of the volume {platform.data_volume}"
    yield from judging.disk("JD005", what, said["data"], judging.DATA_GB)
    key, tag = f"{LABEL}.jupyterhub", platform.hub_environment.get("JHUB_IMAGE_TAG", "latest")
    offered = [
        (f"the image {name}", image["Labels"].get(key, ""))
        for image in engine.api().images(filters={"label": f"{LABEL}.profiles"})
        for name in image["RepoTags"] or ()
        if name.endswith(f":{tag}")
    ]
    offered += [
        (f"the server {containers.name(one)}", one["Labels"].get(key, ""))
        for one in containers.servers(platform)
    ]
    yield from judging.versions(said["jupyterhub"], offered)


def _reached(platform: Platform) -> list[Finding]:
    pool, bridges = platform.told(HUB, POLICY)
    return found("JD050", tried.reached(platform, pool, bridges))


def _factors(platform: Platform) -> Iterator[Finding]:
    ended = platform.in_hub("read-factors", seconds=120)
    if "JHUB_AUTHENTICATOR is" in ended.err:  # accounts are another service's
        return
    said = json.loads(ended.require(lines=1))
    if said["opened"] != said["factors"]:
        yield Finding("JD024", f"of {said['factors']} only {said['opened']} can be opened")


def _left_over(platform: Platform, there: Sequence[Mapping[str, Any]]) -> list[Finding]:
    if lock.is_held(platform.project):
        raise ActionError("an up, down, upgrade, backup or restore of it is at work")
    report = None
    if judging.runs(there, HUB):
        ended = platform.in_hub("report", seconds=120)
        report = {} if "has not compared" in ended.err else json.loads(ended.require(lines=1))
    labels = [f"{LABEL}.platform={platform.project}", f"{LABEL}.user"]
    networks = engine.api().networks(filters={"label": labels})
    servers = containers.servers(platform) + networks
    return judging.left_over(left_over.look(platform), servers, report)


def _backups(platform: Platform) -> Iterator[Finding]:
    configured = "JHUB_BACKUP_TO" in compose.variables_of(platform.root)
    status = tried.backups(platform)
    return judging.backup(configured=configured, status=status, now=datetime.now(UTC))
