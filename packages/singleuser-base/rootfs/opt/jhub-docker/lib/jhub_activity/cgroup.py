"""What this container may use and does use, as the kernel of the operating system counts it.

Control groups of version 2 and 1 (cgroup-v2.rst, cgroup-v1/memory.rst); what cannot be read is
None. `free`, `df` and `psutil` know of the machine only.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")

NO_LIMIT = 2**60
"""Version 1 says "no limit" with a number near the largest there is."""


@dataclass(frozen=True)
class Memory:
    """In bytes. `killed`: how many processes ended for want of memory since the start."""

    used: int
    limit: int | None
    killed: int


def memory(root: Path = ROOT) -> Memory | None:
    """Memory in use, without what the system would give back at once: files it keeps at hand."""
    v2 = (root / "memory.current").is_file()
    folder = root if v2 else root / "memory"
    try:
        used = int(_read(folder, "memory.current" if v2 else "memory.usage_in_bytes"))
        most = _read(folder, "memory.max" if v2 else "memory.limit_in_bytes").strip()
        kept = _field(folder, "memory.stat", "inactive_file" if v2 else "total_inactive_file")
        killed = _field(folder, "memory.events" if v2 else "memory.oom_control", "oom_kill")
    except (OSError, ValueError):
        return None
    limit = None if most == "max" or int(most) >= NO_LIMIT else int(most)
    return Memory(max(0, used - kept), limit, killed)


def _read(folder: Path, name: str) -> str:
    return (folder / name).read_text("ascii")


def _field(folder: Path, name: str, field: str) -> int:
    for line in _read(folder, name).splitlines():
        key, _, value = line.partition(" ")
        if key == field:
            return int(value)
    return 0
