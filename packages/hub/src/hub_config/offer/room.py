"""Whether a server may be started now: what its person may have, and what the machine has.

A server is promised its profile's memory limit and CPU guarantee from the moment it is admitted
until it is gone. Memory cannot be shared, so the promises together stay within the machine's
(times an overcommit factor), and a new one also within what is really free. CPUs can: a guarantee
is a share when everybody wants one, so by default too few CPUs are no reason to refuse. A GPU is
one server's alone.
"""

import math
import shutil
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hub_config.groups import UserLimits
from hub_config.offer.profiles import Profile
from hub_config.offer.stock import Stock
from hub_config.settings import Settings
from hub_config.settings.gpus import entries, known

MEMINFO = Path("/proc/meminfo")
FRESH_SECONDS = 60.0
"""How long the engine's answer is used again: a machine's size changes rarely."""

Info = Callable[[], Awaitable[Mapping[str, Any]]]


@dataclass(frozen=True)
class Host:
    """Memory in bytes, `memory_available` and `disk_free` (bytes) as of now, number of CPUs.

    `devices` are the CDI devices that the engine has found, None where it does not say.
    """

    memory: int
    memory_available: int
    cpus: int
    disk_free: int
    devices: frozenset[str] | None = None


class HostFacts:
    """The machine as the engine and the kernel tell it."""

    def __init__(self, disk: Path, clock: Callable[[], float] = time.monotonic) -> None:
        """`disk` is a folder on the file system where the engine keeps volumes."""
        self._disk = disk
        self._clock = clock
        self._size: tuple[float, int, int, bool, frozenset[str] | None] | None = None

    async def now(self, info: Info) -> Host:
        """The facts of this moment; `info` asks the engine (Engine API, SystemInfo)."""
        if self._size is None or self._clock() - self._size[0] > FRESH_SECONDS:
            told = await info()
            elsewhere = bool(told.get("Elsewhere"))
            size = int(told["MemTotal"]), int(told["NCPU"]), elsewhere
            self._size = (self._clock(), *size, devices_found(told))
        _, memory, cpus, elsewhere, devices = self._size
        mine = memory if elsewhere else memory_available(MEMINFO.read_text(encoding="ascii"))
        free = shutil.disk_usage(self._disk).free
        return Host(memory, min(memory, mine), cpus, free, devices)


def devices_found(info: Mapping[str, Any]) -> frozenset[str] | None:
    """The CDI devices of the engine's answer (Engine API 1.50, SystemInfo, DiscoveredDevices); an
    engine that is older, or has none, does not have the field.
    """
    found = info.get("DiscoveredDevices")
    return frozenset(one["ID"] for one in found if one.get("Source") == "cdi") if found else None


def memory_available(meminfo: str) -> int:
    """Bytes that can be had without swapping (proc(5), MemAvailable).

    A container sees the whole machine's there, also in Docker Desktop's virtual machine.
    """
    for line in meminfo.splitlines():
        name, _, rest = line.partition(":")
        if name == "MemAvailable":
            return int(rest.split()[0]) * 1024
    raise ValueError(f"no MemAvailable in {MEMINFO}")


GB = 2**30
DISK_GB = 10**9
"""Bytes, as disks are sold."""


@dataclass(frozen=True)
class Promise:
    """What one server was promised: bytes, CPUs, devices. One that is starting uses nothing yet."""

    memory: int
    cpus: float
    starting: bool = False
    devices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Room:
    """What can be promised to one more server; None: there is no limit.

    `memory` is what is free now and `memory_ever` what there is when nobody else has a server,
    both in bytes; `disk_missing` is how many bytes have to be freed before anything starts.
    """

    memory: int
    memory_ever: int
    machine_cpus: int
    cpus: float | None = None
    servers: int | None = None
    disk_missing: int = 0
    stock: Stock | None = None


@dataclass(frozen=True)
class Obstacle:
    """Why a server cannot be started, in a sentence; `status` is the HTTP status that fits."""

    reason: str
    sentence: str
    status: int


def room(
    host: Host,
    operator: Settings,
    promised: Collection[Promise],
    taken: frozenset[str] = frozenset(),
) -> Room:
    """The room that the servers with these promises leave; `taken` are devices others have."""
    factor = operator.memory_overcommit
    budget = max(0.0, host.memory - operator.memory_reserve_gb * GB) * factor
    unpromised = budget - sum(promise.memory for promise in promised)
    # Servers that are starting have not taken yet what they will. What the kernel calls available
    # is really there, so no factor makes more of it.
    coming = sum(promise.memory for promise in promised if promise.starting)
    really_free = host.memory_available - coming
    cpus = stock = None
    if operator.cpu_overcommit:
        cpus = host.cpus * operator.cpu_overcommit - sum(promise.cpus for promise in promised)
    if operator.runtime == "docker":  # elsewhere who runs servers assigns devices by itself
        stock = Stock(known(entries(operator.gpu_devices), host.devices), taken)
    most = operator.active_server_limit
    return Room(
        memory=max(0, int(min(unpromised, really_free))),
        memory_ever=int(budget),
        machine_cpus=host.cpus,
        cpus=None if cpus is None else max(0.0, cpus),
        servers=max(0, most - len(promised)) if most else None,
        disk_missing=max(0, int(operator.min_free_disk_gb * DISK_GB) - host.disk_free),
        stock=stock,
    )


def promise(profile: Profile) -> Promise:
    """What a server of `profile` is promised when it is admitted."""
    cpus = profile.cpu_guarantee or 0.0
    return Promise(profile.memory, cpus, starting=True, devices=profile.devices)


def obstacle(
    profile: Profile, own: Collection[Promise], limits: UserLimits, left: Room
) -> Obstacle | None:
    """What keeps `profile` from starting for someone whose other servers were promised `own`.

    None when nothing does. What concerns the person comes first, then what concerns the machine.
    """
    return _own_limits(profile, own, limits) or _machine(profile, left)


def _own_limits(profile: Profile, own: Collection[Promise], limits: UserLimits) -> Obstacle | None:
    wanted = promise(profile)
    if limits.servers and len(own) >= limits.servers:
        many = "one server" if limits.servers == 1 else f"{limits.servers} servers"
        return Obstacle(
            "user-servers", f"You may run {many} at a time: stop one of yours first.", 403
        )
    used = sum(one.memory for one in own)
    if limits.memory_gb and used + wanted.memory > limits.memory_gb * GB:
        left = max(0, int(limits.memory_gb * GB) - used)
        return Obstacle(
            "user-memory",
            f"It needs {gigabytes(wanted.memory)} of memory, and of the "
            f"{gigabytes(int(limits.memory_gb * GB))} your servers may have together "
            f"{gigabytes(left)} are left.",
            403,
        )
    cpus = sum(one.cpus for one in own)
    if limits.cpus and cpus + wanted.cpus > limits.cpus:
        return Obstacle(
            "user-cpus",
            f"It needs {wanted.cpus:g} CPUs, and of the {limits.cpus:g} your servers may have "
            f"together {max(0.0, limits.cpus - cpus):g} are left.",
            403,
        )
    return None


def _machine(profile: Profile, left: Room) -> Obstacle | None:
    if left.servers == 0:
        return Obstacle("servers", "As many servers run as this platform allows.", 503)
    if (short := _size(profile, left)) is not None:
        return short
    if left.stock is not None and (lack := left.stock.lack(profile.gpus)):
        return Obstacle("gpus", lack, 503)
    if left.disk_missing:
        return Obstacle(
            "disk",
            f"The disk is too full: {math.ceil(left.disk_missing / 10**8) / 10:g} GB have to be "
            "freed first.",
            503,
        )
    return None


def _size(profile: Profile, left: Room) -> Obstacle | None:
    wanted = promise(profile)
    if wanted.memory > left.memory_ever:
        return Obstacle(
            "memory",
            f"It needs {gigabytes(wanted.memory)} of memory, and this machine has "
            f"{gigabytes(left.memory_ever)} for servers.",
            503,
        )
    if wanted.memory > left.memory:
        return Obstacle(
            "memory",
            f"It needs {gigabytes(wanted.memory)} of memory, and {gigabytes(left.memory)} are "
            "free.",
            503,
        )
    if left.cpus is not None and wanted.cpus > left.cpus:
        return Obstacle("cpus", f"It needs {wanted.cpus:g} CPUs, and {left.cpus:g} are free.", 503)
    return None


def gigabytes(amount: int) -> str:
    """Bytes in words, e.g. `2 GB`; rounded down, so that what is said to be free is."""
    return f"{math.floor(amount / GB * 10) / 10:g} GB"
