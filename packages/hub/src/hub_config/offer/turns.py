"""Whose turn it is: so many servers start at a time, all others wait in the order they came."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

Tell = Callable[[int], None]
"""Is told how many wait before one, whenever that changes."""


class TurnTimeoutError(Exception):
    """The turn did not come in time; the message says so."""


@dataclass(eq=False)
class _Waiting:
    go: "asyncio.Future[None]"
    tell: Tell


class Turns:
    """`limit` turns at a time, first come, first served."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._taken = 0
        self._queue: deque[_Waiting] = deque()

    @property
    def taken(self) -> int:
        """Servers that are just being started."""
        return self._taken

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
        if self._taken < self.limit and not self._queue:
            self._taken += 1
        else:
            await self._wait(tell, seconds)
        try:
            yield
        finally:
            self._taken -= 1
            self._move_up()

    async def _wait(self, tell: Tell, seconds: float | None) -> None:
        one = _Waiting(asyncio.get_running_loop().create_future(), tell)
        self._queue.append(one)
        tell(len(self._queue) - 1)
        try:
            done, _ = await asyncio.wait({one.go}, timeout=seconds)
        except BaseException:
            self._leave(one)
            raise
        if not done:
            self._leave(one)
            raise TurnTimeoutError(
                f"Too many servers are starting: your turn did not come within {seconds:g} "
                "seconds. Try again later."
            )

    def _leave(self, one: _Waiting) -> None:
        if one in self._queue:
            self._queue.remove(one)
        else:  # it was called up in this very moment
            self._taken -= 1
        self._move_up()

    def _move_up(self) -> None:
        while self._queue and self._taken < self.limit:
            self._taken += 1
            self._queue.popleft().go.set_result(None)
        for before, one in enumerate(self._queue):
            one.tell(before)
