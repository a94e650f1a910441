"""What the machine has: memory, CPUs and disk. Reads facts, judges nothing."""

import shutil
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MEMINFO = Path("/proc/meminfo")
FRESH_SECONDS = 60.0
"""How long the engine's answer is used again: a machine's size changes rarely."""

Info = Callable[[], Awaitable[Mapping[str, Any]]]


@dataclass(frozen=True)
class Host:
    """Memory in bytes, `memory_available` and `disk_free` (bytes) as of now, number of CPUs."""

    memory: int
    memory_available: int
    cpus: int
    disk_free: int


class HostFacts:
    """The machine as the engine and the kernel tell it."""

    def __init__(self, disk: Path, clock: Callable[[], float] = time.monotonic) -> None:
        """`disk` is a folder on the file system where the engine keeps volumes."""
        self._disk = disk
        self._clock = clock
        self._size: tuple[float, int, int] | None = None

    async def now(self, info: Info) -> Host:
        """The facts of this moment; `info` asks the engine (Engine API, SystemInfo)."""
        if self._size is None or self._clock() - self._size[0] > FRESH_SECONDS:
            told = await info()
            self._size = (self._clock(), int(told["MemTotal"]), int(told["NCPU"]))
        _, memory, cpus = self._size
        available = memory_available(MEMINFO.read_text(encoding="ascii"))
        return Host(memory, min(memory, available), cpus, shutil.disk_usage(self._disk).free)


def memory_available(meminfo: str) -> int:
    """Bytes that can be had without swapping (proc(5), MemAvailable).

    A container sees the whole machine's there, also in Docker Desktop's virtual machine.
    """
    for line in meminfo.splitlines():
        name, _, rest = line.partition(":")
        if name == "MemAvailable":
            return int(rest.split()[0]) * 1024
    raise ValueError(f"no MemAvailable in {MEMINFO}")
