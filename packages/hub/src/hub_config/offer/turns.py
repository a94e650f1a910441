"""Whose turn it is: so many servers start at a time, all others wait in the order they came."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

Tell = Callable[[int], None]
"""Is told how many wait before one, whenever that changes."""


class TurnTimeoutError(Exception):
    """The turn did not come in time; the message says so."""


class Turns:
    """`limit` turns at a time, first come, first served."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.taken = 0
        """Servers that are just being started."""
        self._queue: dict[asyncio.Future[None], Tell] = {}

    @property
    def waiting(self) -> int:
        """Servers whose turn is to come."""
        return len(self._queue)

    @asynccontextmanager
    async def turn(self, tell: Tell, seconds: float | None = None) -> AsyncIterator[None]:
        """Wait for a turn and keep it while the block runs.

        Raises TurnTimeoutError when it does not come within `seconds`. Whoever stops waiting,
        also by being cancelled, leaves the queue.
        """
        if self.taken < self.limit and not self._queue:
            self.taken += 1
        else:
            await self._wait(tell, seconds)
        try:
            yield
        finally:
            self._end()

    async def _wait(self, tell: Tell, seconds: float | None) -> None:
        go = asyncio.get_running_loop().create_future()
        self._queue[go] = tell
        tell(len(self._queue) - 1)
        called_up: set[asyncio.Future[None]] = set()
        try:
            called_up, _ = await asyncio.wait({go}, timeout=seconds)
        finally:
            if not called_up:
                # One that is in the queue no more was called up in this very moment.
                self._end(taken=self._queue.pop(go, None) is None)
        if not called_up:
            raise TurnTimeoutError(
                f"Too many servers are starting: your turn did not come within {seconds:g} "
                "seconds. Try again later."
            )

    def _end(self, *, taken: bool = True) -> None:
        """Somebody goes, with a turn that was `taken` or without: the others move up."""
        self.taken -= taken
        while self._queue and self.taken < self.limit:
            go = next(iter(self._queue))
            del self._queue[go]
            self.taken += 1
            go.set_result(None)
        for before, tell in enumerate(self._queue.values()):
            tell(before)
