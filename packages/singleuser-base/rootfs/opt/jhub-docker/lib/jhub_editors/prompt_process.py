"""A supervised process that is found ready as soon as it is, and not given up while it starts."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from simpervisor import SupervisedProcess

PAUSE = 0.03
"""Seconds between two questions. One to a port nobody listens on takes a millisecond or two."""

PATIENCE = 300.0
"""Seconds that a process is waited for which runs and does not answer yet. On a busy machine an
editor takes a minute; jupyter-server-proxy would end it after 5 s and answer 500, and whoever tries
again only makes the machine busier.
"""

ANSWER_SECONDS = 60.0
"""How long one answer may take: what is asked anew begins its first page anew."""


class PromptProcess(SupervisedProcess):
    """simpervisor's, with short pauses and more patience."""

    async def ready(self) -> bool:
        """Whether the process answered in time and was not killed.

        Once it has ended, its own `ready_timeout` counts: one that fails is started over and over,
        and whoever waits is to be told.
        """
        clock = asyncio.get_running_loop().time
        begun, first = clock(), self.proc
        while self.proc and not self._killed:
            starts = self.proc is first and self.running
            left = begun + max(self.ready_timeout, starts * PATIENCE) - clock()
            if left <= 0:
                break
            with suppress(TimeoutError):
                if await asyncio.wait_for(self.ready_func(self), min(left, ANSWER_SECONDS)):
                    return True
            await asyncio.sleep(PAUSE)
        return False
