"""Who made a container, volume, network or image in a test, and whether that run is still alive.

A killed run cannot clean up, so the next one does: everything carries the session that made it and
that session's process. Pure but for reading /proc; removing is done in `resources`.
"""

import os
import platform
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jhub_docker.catalog.identity import LABEL

SESSION = f"{LABEL}.test"
OWNER = f"{LABEL}.test-owner"
PROJECT = f"{LABEL}.test-project"

FOREIGN_AGE = 6 * 3600
"""Seconds after which what another machine's (or another boot's) run left is taken for left over:
that run's process cannot be looked at from here."""


@dataclass(frozen=True)
class Process:
    """A process, told apart from a later one with the same number by the time it started.

    `machine` is the boot id and the pid namespace: a pid means something only within them.
    """

    machine: str
    pid: int
    started: str
    since: int

    def __str__(self) -> str:
        return f"{self.machine} {self.pid} {self.started} {self.since}"

    @classmethod
    def parse(cls, text: str) -> "Process | None":
        """The process a label names; None when it is not such a label."""
        match text.split(" "):
            case [machine, pid, started, since] if pid.isdigit() and since.isdigit():
                return cls(machine, int(pid), started, int(since))
        return None


def this_process() -> Process:
    """The running test session's own process."""
    pid = os.getpid()
    return Process(_machine(), pid, start_time(pid) or "unknown", int(time.time()))


def _machine() -> str:
    boot = Path("/proc/sys/kernel/random/boot_id")
    if not boot.exists():
        return platform.node() or "unknown"
    namespace = Path("/proc/self/ns/pid").readlink().name.strip("pid:[]")
    return f"{boot.read_text().strip()}/{namespace}"


def start_time(pid: int) -> str | None:
    """When a process started, in clock ticks since boot (proc(5), stat field 22).

    None when there is no such process; "unknown" where the system has no /proc.
    """
    if not Path("/proc/self/stat").exists():
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return None
        except PermissionError:
            pass
        return "unknown"
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return stat.rpartition(")")[2].split()[19]


def is_left_over(labels: Mapping[str, str], here: Process, started: str | None, now: int) -> bool:
    """Whether something with these labels was made by a test run that is no longer there.

    `started` is what `start_time` says now of the pid in the labels.
    """
    if SESSION not in labels:
        return False
    owner = Process.parse(labels.get(OWNER, ""))
    if owner is None:
        return True
    if owner.machine == here.machine:
        return started != owner.started
    return now - owner.since > FOREIGN_AGE


def new_session() -> str:
    """A name for this test session, short enough to be part of container names."""
    return uuid.uuid4().hex[:10]
