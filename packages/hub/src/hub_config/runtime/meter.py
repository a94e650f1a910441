"""What servers take: one look at a time of each, whoever asks, and the last two are remembered.

Whoever shows or keeps figures asks here, so that a page that many have open, the pass of every
minute and a metric are one question to the engine. One that hangs holds up nobody for long: who
asks goes on with what is known, and the look is there for the next.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

from hub_config.runtime.calls import Runtime
from hub_config.runtime.interface import AwayError, Container, Usage

AT_A_TIME = 4
"""Looks that are under way: the engine's other calls are people's starts and stops."""

AGAIN = 2.0
"""Seconds for which a look will do at least: many may ask at the same time."""

LOOKS = 10
"""Looks in a second, about, by who asks again and again: of many servers each lasts longer."""

OLD = 120.0
"""Seconds after which a look says nothing of now."""


@dataclass
class Seen:
    """The last two looks at a container; `at` is when the last was, by the meter's clock."""

    usage: Usage | None = None
    before: Usage | None = None
    at: float = float("-inf")

    def look(self, usage: Usage | None, now: float) -> None:
        """One more."""
        self.before, self.usage, self.at = self.usage, usage, now

    @property
    def cpu(self) -> float | None:
        """How many CPUs it kept busy between the two; None when that cannot be said."""
        if self.usage is None or self.before is None:
            return None
        seconds = self.usage.at - self.before.at
        if not 0 < seconds < OLD:
            return None
        return max(0.0, self.usage.processor - self.before.processor) / seconds


class Meter:
    """One for the whole hub."""

    def __init__(
        self, runtime: Callable[[], Runtime], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`runtime` is asked for once it is needed."""
        self._make_runtime, self.clock = runtime, clock
        self._seen: dict[str, Seen] = {}
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._limit = asyncio.Semaphore(AT_A_TIME)

    @cached_property
    def runtime(self) -> Runtime:
        """Where servers run."""
        return self._make_runtime()

    @property
    def lasts(self) -> float:
        """Seconds for which a look will do for who asks again and again."""
        return max(AGAIN, len(self.runtime.known) / LOOKS)

    def seen(self, container: Container) -> Seen:
        """What is known of one; nothing where that is too old."""
        found = self._seen.get(container.id, Seen())
        return found if self.clock() - found.at < OLD else Seen()

    async def look(self, containers: Iterable[Container], lasts: float, patience: float) -> None:
        """Look at each that was not looked at for `lasts` seconds; return after `patience` seconds
        in any case. Raises nothing: of one that is gone, or an engine that is away, nothing is
        known.
        """
        known = {one.id for one in self.runtime.known.values()}
        self._seen = {id_: seen for id_, seen in self._seen.items() if id_ in known}
        now = self.clock()
        due = [one for one in containers if now - self._seen.get(one.id, Seen()).at >= lasts]
        if due:
            await asyncio.wait(map(self._look_at, due), timeout=patience)

    def _look_at(self, container: Container) -> asyncio.Task[None]:
        if (task := self._under_way.get(container.id)) is None:
            task = self._under_way[container.id] = asyncio.ensure_future(self._one(container))
            task.add_done_callback(lambda _: self._under_way.pop(container.id))
        return task

    async def _one(self, container: Container) -> None:
        async with self._limit:
            try:
                usage = await self.runtime.usage(container)
            except AwayError:
                usage = None
        self._seen.setdefault(container.id, Seen()).look(usage, self.clock())
