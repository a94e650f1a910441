"""When this container was last in use: looked at every few seconds, remembered in between.

Work is, whichever page shows it and whether or not any is open:
- a Jupyter kernel that is busy;
- a job in any terminal (`processes.jobs`);
- a marimo notebook with a cell that runs or waits to run (`marimo`);
- anything else that computes: more than `CPU_SHARE` of one CPU between two looks.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from datetime import UTC, datetime
from typing import Any

from jhub_activity import marimo, processes

CPU_SHARE = 0.2
"""Of one CPU. Idle tabs of JupyterLab, VS Code and marimo together took 0.03."""

log = logging.getLogger(__name__)


class Observer:
    """Remembers the last activity and what it was."""

    def __init__(self, kernels: Any, started: datetime, interval: float) -> None:
        """`kernels` is Jupyter Server's kernel manager; `interval` is in seconds."""
        self._kernels, self._last, self._interval = kernels, started, interval
        self.reason = "start"
        self._computed: tuple[float, float] | None = None

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
        while True:
            try:
                reason = await self.work()
            except Exception:
                log.exception("Cannot tell whether anything is going on")
                reason = "unknown"
            if reason:
                self.note(reason)
            await asyncio.sleep(self._interval)

    async def work(self) -> str | None:
        """What is going on right now, None when nothing is."""
        if any(kernel["execution_state"] == "busy" for kernel in self._kernels.list_kernels()):
            return "kernel"
        found = processes.read_all()
        for job in processes.jobs(found):
            if not processes.is_prompt(processes.command(job.pid)):
                return f"terminal: {job.name}"
        if self._share(found) > CPU_SHARE:
            return "computing"
        servers = (marimo.server(processes.command(one.pid)) for one in found)
        for server in filter(None, servers):
            if await marimo.is_running(server):
                return "marimo"
        return None

    def _share(self, found: list[processes.Process]) -> float:
        """CPUs in use since the last look, without this process."""
        now, computed = time.monotonic(), processes.cpu_seconds(found, os.getpid())
        before, self._computed = self._computed, (now, computed)
        if before is None or now <= before[0]:
            return 0.0
        return (computed - before[1]) / (now - before[0])
