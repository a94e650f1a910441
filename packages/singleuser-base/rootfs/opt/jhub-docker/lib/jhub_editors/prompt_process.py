"""A supervised process that is found ready as soon as it is."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from simpervisor import SupervisedProcess

PAUSE = 0.03
"""Seconds between two questions. One to a port nobody listens on takes a millisecond or two."""

ANSWER_SECONDS = 5.0
"""How long one answer may take, as in simpervisor."""


class PromptProcess(SupervisedProcess):
    """simpervisor's, with short pauses."""

    async def ready(self) -> bool:
        """Whether the process answered within its `ready_timeout` seconds and was not killed."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + self.ready_timeout
        while self.proc and not self._killed and clock() < deadline:
            with suppress(TimeoutError):
                if await asyncio.wait_for(self.ready_func(self), ANSWER_SECONDS):
                    return True
            await asyncio.sleep(PAUSE)
        return False
