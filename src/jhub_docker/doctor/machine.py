"""Judges engine, disks, clock and swarm by what they say of themselves. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from jhub_docker.doctor.findings import ERROR, WARNING, Finding, found
from jhub_docker.engine import checks
from jhub_docker.table import counted, size

DATA_GB = 1.0
"""Free space of the data volume, in 10^9 bytes, below which a database may soon not be written."""

SOON = 3.0
"""So many times what is needed is little enough to be told."""

INODES = (0.01, 0.1)
"""Shares of inodes left that are an error, and worth a warning."""

CLOCK = (2.0, 20.0)
"""Seconds between two clocks that are worth a warning, and an error: a code holds for 30."""

CERTIFICATE_DAYS = (3, 14)
"""Days left to a certificate that are an error, and worth a warning: ACME renews at thirty."""


def engine(version: Mapping[str, Any], plugins: Mapping[str, str]) -> list[Finding]:
    """The engine's own version, and what is wrong with the client's plugins."""
    wrong = [checks.judge_engine(str(version["Version"]), str(version.get("Os", "linux")))]
    return [Finding("JD002", one) for one in [*wrong, *plugins.values()] if one]


def certificates(own: Sequence[str], bundle: str) -> list[Finding]:
    """Files of certificates that the machine was given, while servers have this bundle, or none."""
    says = f"this machine has {', '.join(own)}, and JHUB_CA_BUNDLE is not set"
    return [Finding("JD032", says, WARNING)] if own and not bundle else []


GOOD_DRIVERS = ("overlay2", "overlayfs", "fuse-overlayfs", "btrfs", "zfs", "windowsfilter")


def storage(info: Mapping[str, Any]) -> list[Finding]:
    """The engine's storage driver, as it says itself (Engine API, SystemInfo)."""
    driver = str(info["Driver"])
    if ["Supports d_type", "false"] in [list(map(str, one)) for one in info["DriverStatus"] or ()]:
        return [Finding("JD009", f"{driver}, on a file system without d_type")]
    return [] if driver in GOOD_DRIVERS else [Finding("JD009", f"it is {driver}", WARNING)]


FULL = (0.01, 0.05)
"""Shares of a home's room or inodes left that are an error, and worth a warning."""


def homes(room: Mapping[str, Sequence[int]]) -> list[Finding]:
    """Room of volumes with a file system of their own, as `tried.ROOM` tells it."""
    findings = []
    for volume, (free, blocks, free_inodes, inodes) in sorted(room.items()):
        for what, left, of in (("room", free, blocks), ("inodes", free_inodes, inodes)):
            share = left / of if of else 1.0
            says = f"the volume {volume} has {share:.0%} of its {what} left"
            findings += _by_what_is_left("JD031", says, share, FULL)
    return findings


def engine_disk(root: str, free: int, minimum_gb: float) -> list[Finding]:
    """The disk with the engine's data, by the same measure as a build."""
    if said := checks.judge_disk(root, free, minimum_gb):
        return [Finding("JD004", said)]
    return _soon("JD004", f"the disk of the Docker Engine's data ({root})", free, minimum_gb)


def data_disk(volume: str, free: int) -> list[Finding]:
    """The disk with the hub's database."""
    what = f"the disk of the volume {volume}"
    if free < DATA_GB * 1e9:
        left = f"has {size(free)} left, and {DATA_GB:g} GB are needed"
        return [Finding("JD005", f"{what} {left}")]
    return _soon("JD005", what, free, DATA_GB)


def _soon(code: str, what: str, free: int, needed_gb: float) -> list[Finding]:
    if free >= SOON * needed_gb * 1e9:
        return []
    return [Finding(code, f"{what} has {size(free)} left", WARNING)]


def few_inodes(what: str, inodes: int, free_inodes: int) -> list[Finding]:
    """Inodes; a file system that makes them as it goes says that it has none."""
    share = free_inodes / inodes if inodes else 1.0
    says = f"{what} has {free_inodes:,} of {inodes:,} inodes left"
    return _by_what_is_left("JD006", says, share, INODES)


def _by_what_is_left(code: str, says: str, left: float, limits: Sequence[float]) -> list[Finding]:
    """An error below the first limit, a warning below the second."""
    few, some = limits
    return found(code, [says] * (left < some), ERROR if left < few else WARNING)


def clock(engines: datetime, before: datetime, after: datetime) -> list[Finding]:
    """The engine's clock, which it told between two looks at the own one."""
    apart = max((before - engines).total_seconds(), (engines - after).total_seconds(), 0.0)
    some, much = CLOCK
    if apart < some:
        return []
    says = f"they are {apart:.0f} s apart: the engine says {engines:%Y-%m-%d %H:%M:%S} UTC"
    return [Finding("JD008", says, ERROR if apart >= much else WARNING)]


NEVER = "live-restore, GPUs by request, limits of disk and swap"


def of_swarm(nodes: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """What a swarm does not give to servers, and which of its machines do not answer, with the
    reason (Engine API, NodeList)."""
    silent = {
        f"the machine {node['Description']['Hostname']}": (
            "it does not answer: servers may run on there, and no home on it can be opened"
        )
        for node in nodes
        if node["Status"]["State"] != "ready"
    }
    return {NEVER: "a swarm has none of them: docs/swarm.md", **silent}


def certificate(url: str, end: datetime | None, now: datetime) -> list[Finding]:
    """How long the certificate of an address is good; None for an address without one."""
    if end is None:
        return []
    says = f"that of {url} ends in {counted((end - now).days, 'day')}"
    return _by_what_is_left("JD025", says, (end - now).days, CERTIFICATE_DAYS)
