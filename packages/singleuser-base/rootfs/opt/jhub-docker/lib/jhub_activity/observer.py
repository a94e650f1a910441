"""When this container was last in use: looked at every few seconds, remembered in between.

Work is, whichever page shows it and whether or not any is open:
- a Jupyter kernel that is busy, also one that VS Code started (`kernels`);
- a job in any terminal, and what was left running without one (`processes`);
- a marimo notebook with a cell that runs or waits to run (`marimo`);
- an application behind the proxy that somebody waits for, or that serves them (`traffic`);
- a download that is under way (`downloads`);
- anything else that computes: more than `CPU_SHARE` of one CPU between two looks.

A reason is a kind, and after `: ` a name where there is one; the hub has words for the kinds.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from jhub_activity import marimo, processes, recovery
from jhub_activity.kernels import ForeignKernels, connection_file
from jhub_proxy import traffic

CPU_SHARE = 0.2
"""Of one CPU. Idle tabs of JupyterLab, VS Code and marimo together took 0.03."""

TELL_AGAIN = 10
"""Looks after which the hub is told the same reason once more."""

log = logging.getLogger(__name__)


class Observer:
    """Remembers the last activity and what it was."""

    def __init__(
        self,
        kernels: Any,
        started: datetime,
        interval: float,
        tell: Callable[[str], Awaitable[None]],
    ) -> None:
        """`kernels` is Jupyter Server's kernel manager; `interval` is in seconds; `tell` tells the
        hub a reason.
        """
        self._kernels, self._last, self._interval = kernels, started, interval
        self.reason, self._tell = "start", tell
        self.said: dict[str, Any] | None = None  # by the hub about this server's time
        self._computed: tuple[float, float] | None = None
        self._looked = time.monotonic()
        self._foreign = ForeignKernels()
        self._recovery = recovery.Recovery(recovery.folder())

    def last_activity(self) -> datetime:
        """The time of the last activity, with time zone UTC."""
        kernels: datetime = self._kernels.last_kernel_activity
        return max(self._last, kernels)

    def note(self, reason: str) -> None:
        """Something happened just now."""
        self._last, self.reason = datetime.now(UTC), reason

    async def run(self) -> None:
        """Look again and again; never returns. Trouble is logged and counts as work: to stop a
        server because it could not be looked at would be worse than to keep it.
        """
        told, looks = "", 0
        while True:
            try:
                reason = await self.work()
            except Exception:
                log.exception("Cannot tell whether anything is going on")
                reason = "unknown"
            if reason:
                self.note(reason)
            # Again from time to time: a hub that was started anew has forgotten it.
            if self.reason != told or looks % TELL_AGAIN == 0:
                told = self.reason
                try:
                    await self._tell(told)
                except Exception:
                    log.exception("Cannot tell the hub why this server counts as active")
            looks += 1
            await asyncio.sleep(self._interval)

    async def work(self) -> str | None:
        """What is going on right now, None when nothing is."""
        states = [kernel["execution_state"] for kernel in self._kernels.list_kernels()]
        now = time.monotonic()
        since, self._looked = self._looked, now
        found = processes.read_all()
        commands = {process.pid: processes.command(process.pid) for process in found}
        kernels = {pid: path for pid, line in commands.items() if (path := connection_file(line))}
        foreign = await self._foreign.is_busy(set(kernels.values()) - self._own())
        reasons = [
            "kernel" if foreign or "busy" in states else None,
            *(
                f"terminal: {job.name}"
                for job in processes.jobs(found)
                if not processes.is_prompt(commands[job.pid])
            ),
            "marimo" if await self._marimo(commands.values()) else None,
            *(f"application: {name}" for name in traffic.working(now, since)),
            *(
                f"background: {left.name}"
                for left in processes.left_running(found, os.getpid(), kernels)
                if not processes.is_helper(commands[left.pid]) and not processes.listens(left.pid)
            ),
            "computing" if self._share(found) > CPU_SHARE else None,
        ]
        return next(filter(None, reasons), None)

    def _own(self) -> set[str]:
        """The connection files of Jupyter Server's kernels, whose state it knows."""
        ids = self._kernels.list_kernel_ids()
        return {self._kernels.get_kernel(one).connection_file for one in ids}

    async def _marimo(self, commands: Iterable[list[str]]) -> bool:
        """Whether a marimo notebook runs. What has no name yet is kept at this occasion."""
        running = False
        for server in filter(None, map(marimo.server, commands)):
            running |= await marimo.is_running(server)
            sessions = await marimo.unnamed(server)
            try:
                self._recovery.keep(sessions)
            except OSError as error:  # the home is full: no reason to call it work for ever
                log.warning("Notebooks without a name cannot be kept: %s", error)
        return running

    def _share(self, found: list[processes.Process]) -> float:
        """CPUs in use since the last look, without this process."""
        now, computed = time.monotonic(), processes.cpu_seconds(found, os.getpid())
        before, self._computed = self._computed, (now, computed)
        if before is None or now <= before[0]:
            return 0.0
        return (computed - before[1]) / (now - before[0])
