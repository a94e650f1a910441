"""Judges what engine, containers, disks and the hub say of themselves. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from jhub_docker.doctor.findings import ERROR, WARNING, Finding, found
from jhub_docker.doctor.redaction import is_secret
from jhub_docker.platform import containers
from jhub_docker.platform.compose import Platform
from jhub_docker.platform.containers import is_left_over, service
from jhub_docker.platform.left_over import LeftOver
from jhub_docker.table import counted, size

DATA_GB = 1.0
"""Free space of the data volume, in 10^9 bytes, below which a database may soon not be written."""

SOON = 3.0
"""So many times what is needed is little enough to be told."""

INODES = (0.01, 0.1)
"""Shares of inodes left that are an error, and worth a warning."""

FULL = (0.01, 0.05)
"""Shares of a home's room or inodes left that are an error, and worth a warning."""

CLOCK = (2.0, 20.0)
"""Seconds between two clocks that are worth a warning, and an error: a code holds for 30."""

GOOD_DRIVERS = ("overlay2", "overlayfs", "fuse-overlayfs", "btrfs", "zfs", "windowsfilter")

OLD = timedelta(days=2)
"""Age of a backup that a daily one does not reach unless something is wrong."""

UNTRIED = timedelta(days=90)
"""How long backups may go without a drill."""

OTHERS = 0o077
"""What a mode may give to others than the owner: nothing."""

DROP = 31
"""Days after which nothing signed with an older secret is taken anyway (jupyterhub 6.1, xsrf)."""

Inspected = Mapping[str, Any]


def storage(info: Mapping[str, Any]) -> list[Finding]:
    """The engine's storage driver, as it says itself (Engine API, SystemInfo)."""
    driver = str(info["Driver"])
    if ["Supports d_type", "false"] in [list(map(str, one)) for one in info["DriverStatus"] or ()]:
        return [Finding("JD009", f"{driver}, on a file system without d_type")]
    return [] if driver in GOOD_DRIVERS else [Finding("JD009", f"it is {driver}", WARNING)]


def homes(room: Mapping[str, Sequence[int]]) -> Iterator[Finding]:
    """Room of volumes with a file system of their own, as `tried.ROOM` tells it."""
    for volume, (free, blocks, free_inodes, inodes) in sorted(room.items()):
        for what, left, of in (("room", free, blocks), ("inodes", free_inodes, inodes)):
            share = left / of if of else 1.0
            says = f"the volume {volume} has {share:.0%} of its {what} left"
            yield from by_what_is_left("JD031", says, share, FULL)


def disk(code: str, what: str, space: Mapping[str, int], needed_gb: float) -> Iterator[Finding]:
    """Room and inodes of a disk as `hub_files.space` tells them; a file system that makes inodes as
    it goes says that it has none."""
    limits = needed_gb * 1e9, SOON * needed_gb * 1e9
    says = f"{what} has {size(space['room'])} left, and {needed_gb:g} GB are needed"
    yield from by_what_is_left(code, says, space["room"], limits)
    free, inodes = space["free_inodes"], space["inodes"]
    says = f"{what} has {free:,} of {inodes:,} inodes left"
    yield from by_what_is_left("JD006", says, free / inodes if inodes else 1.0, INODES)


def by_what_is_left(code: str, says: str, left: float, limits: Sequence[float]) -> list[Finding]:
    """An error below the first limit, a warning below the second."""
    few, some = limits
    return found(code, [says] * (left < some), ERROR if left < few else WARNING)


def clock(engines: datetime, before: datetime, after: datetime) -> list[Finding]:
    """The engine's clock, which it told between two looks at the own one."""
    apart = max((before - engines).total_seconds(), (engines - after).total_seconds(), 0.0)
    some, much = CLOCK
    says = f"they are {apart:.0f} s apart: the engine says {engines:%Y-%m-%d %H:%M:%S} UTC"
    return found("JD008", [says] * (apart >= some), ERROR if apart >= much else WARNING)


NEVER = "live-restore, GPUs by request, limits of disk and swap"


def of_swarm(nodes: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """What a swarm does not give to servers, and which of its machines do not answer, with the
    reason (Engine API, NodeList)."""
    why = "it does not answer: servers may run on there, and no home on it can be opened"
    silent = [one["Description"]["Hostname"] for one in nodes if one["Status"]["State"] != "ready"]
    never = {NEVER: "a swarm has none of them: docs/swarm.md"}
    return never | {f"the machine {name}": why for name in silent}


def services(
    platform: Platform, there: Sequence[Inspected], last_words: Mapping[str, str]
) -> Iterator[Finding]:
    """Whether each service runs and is healthy; `last_words` are those of which have any."""
    used = {service(one): one for one in there if not is_left_over(one)}
    if not any(one["State"]["Running"] for one in used.values()):
        state = "all have ended" if used else "there is none on this engine"
        yield Finding("JD010", f"of the containers of {platform.project} {state}")
        return
    for name in platform.services:
        wrong, mend = judged(used[name]) if name in used else ("is not there", "")
        if wrong:
            said = last_words.get(name, "").strip()
            says = f"{name} {wrong}" + (f"; it said last:\n{said}" if said else "")
            yield Finding("JD011", says, subject=mend)


def judged(container: Inspected) -> tuple[str, str]:
    """What is wrong with a service's container, and what lets it go on, for `fixing`; empty for
    nothing, or where that is not known."""
    state = container["State"]
    if state["Status"] == "restarting":
        return f"starts again and again ({counted(container['RestartCount'], 'time')})", ""
    if not state["Running"]:
        killed = ", for want of memory" if state.get("OOMKilled") else ""
        mend = f"start {container['Id']}" if state["Status"] == "exited" else ""
        return f"has ended with exit code {state['ExitCode']}{killed}", mend
    if state.get("Paused"):
        return "is paused", f"unpause {container['Id']}"
    unhealthy = (state.get("Health") or {}).get("Status") == "unhealthy"
    return "is unhealthy" if unhealthy else "", ""


def images(there: Iterable[Inspected], own: Mapping[str, str]) -> list[Finding]:
    """Containers of another image than `own`, the ids by service; one not built has none."""
    others = (
        f"{service(one)} runs {one['Config']['Image']}, which is another"
        for one in there
        if one["State"]["Running"] and own.get(service(one), one["Image"]) != one["Image"]
    )
    return found("JD012", others, WARNING)


def ports(platform: Platform, there: Iterable[Inspected]) -> Iterator[Finding]:
    """The entrance's ports where the settings want them, and no other of any service."""
    for one in there:
        if not one["State"]["Running"]:
            continue
        has, wanted = containers.published(one), containers.to_publish(platform, service(one))
        for port in sorted(has ^ wanted):
            inner, ip, outer = port
            but = "is published, and not meant to be" if port in has else "is not published"
            yield Finding("JD013", f"{service(one)}: {ip}:{outer} ({inner}) {but}")


def versions(hub: str, offered: Iterable[tuple[str, str]]) -> list[Finding]:
    """Images on offer and servers that run, by name and JupyterHub's version, beside the hub's."""
    others = (
        f"{what} has JupyterHub {version or '(it does not say)'}, the hub {hub}"
        for what, version in offered
        if version.partition(".")[0] != hub.partition(".")[0]
    )
    return found("JD017", others, WARNING)


def left_over(
    left: Iterable[LeftOver], listed: Iterable[Mapping[str, Any]], report: Mapping[str, Any] | None
) -> list[Finding]:
    """What nobody owns: what `left` has, and what the hub does not know.

    `report` is what the hub found when it compared what runs with its database; without one (None)
    what is `listed` of servers is nobody's. Volumes nobody knows are told and no more.
    """
    says = {
        f"the {one.what} {one.name}, of {one.of}": f"{one.what} {one.identity}" * one.goes
        for one in left
    }
    for one in listed if report is None else ():
        name = f"network {one['Name']}" if "Name" in one else f"container {containers.name(one)}"
        says[f"the {name}, of a server, and there is no hub that knows it"] = ""
    says |= {str(one["sentence"]): "" for one in (report or {}).get("differences", ())}
    return [Finding("JD018", one, WARNING, subject) for one, subject in says.items()]


def runs(there: Iterable[Inspected], name: str) -> bool:
    """Whether something can be run inside this service's container."""
    return any(service(one) == name and one["State"]["Status"] == "running" for one in there)


def env_file(mode: int, names: Iterable[str]) -> list[Finding]:
    """The file `.env`, by its mode and the variables in it."""
    held = [name for name in sorted(names) if is_secret(name)]
    says = f".env has mode {mode:04o} and holds {', '.join(held)}"
    return [Finding("JD021", says, WARNING, ".env")] if held and mode & OTHERS else []


def in_hub(seen: Mapping[str, Any]) -> Iterator[Finding]:
    """The hub's secrets, those of before a rotation, and its database, as `hub_files` saw them."""
    for one in seen["secrets"]:
        path = one["path"]
        if one["wrong"]:
            yield Finding("JD022", f"{path} {one['wrong']}")
        if one["mode"] is not None and one["mode"] & OTHERS:
            yield Finding("JD023", f"{path} has mode {one['mode']:04o}", subject=path)
    for one in seen["older"]:
        if one["days"] > DROP:
            yield Finding("JD029", f"{one['path']} is {one['days']:.0f} days old", WARNING)
    if seen["database"] != "ok":
        yield Finding("JD030", seen["database"])


def shown(there: Iterable[Mapping[str, Any]]) -> list[Finding]:
    """Secrets that containers have as variables."""
    says = []
    for one in there:
        pairs = containers.variables(one).items()
        if held := sorted(name for name, value in pairs if value and is_secret(name)):
            says.append(f"{one['Name'].lstrip('/')}: {', '.join(held)}")
    return found("JD028", sorted(says), WARNING)


def backup(*, configured: bool, status: Mapping[str, Any], now: datetime) -> Iterator[Finding]:
    """How backup and drill went last; `status` is empty where none was ever made."""
    made, drill = status.get("backup"), status.get("drill", {})
    if not made:
        code = "JD041" if configured else "JD040"
        yield Finding(code, "no backup was ever made", WARNING)
        return
    if made.get("wrong"):
        yield Finding("JD041", f"the last try failed: {made['wrong']}")
    if old := _older(made, now, OLD):
        yield Finding("JD041", f"the last good one: {old}", WARNING)
    if drill.get("wrong"):
        yield Finding("JD042", f"the last drill failed: {drill['wrong']}", WARNING)
    elif old := _older(drill, now, UNTRIED):
        yield Finding("JD042", f"the last drill: {old}", WARNING)


def _older(known: Mapping[str, Any], now: datetime, limit: timedelta) -> str:
    """When it succeeded last, where that is longer ago; else empty."""
    if not (when := known.get("succeeded")):
        return "there is none"
    age = now - datetime.fromisoformat(when)
    return f"{age / timedelta(days=1):.1f} days ago" if age > limit else ""
