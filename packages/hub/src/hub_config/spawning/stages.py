"""The stages a start goes through, told to whoever watches as they happen.

JupyterHub sends what `Stages.watch` yields to the browser as server-sent events
(apihandlers/users.py, SpawnProgressAPIHandler); keys it does not know are passed on.
"""

import asyncio
from collections.abc import AsyncIterator
from enum import Enum
from typing import Any

Event = dict[str, Any]


class Stage(Enum):
    """Name, percentages at which it begins and ends, and what it says."""

    IMAGE = ("image", 5, 50, "Looking for the image")
    QUEUE = ("queue", 50, 55, "Waiting for a turn")
    NETWORK = ("network", 55, 60, "Making the server's network")
    VOLUME = ("volume", 60, 65, "Finding the home volume")
    CONTAINER = ("container", 65, 75, "Creating the container")
    SERVER = ("server", 75, 95, "Waiting for the server to answer")

    def __init__(self, label: str, begin: int, end: int, sentence: str) -> None:
        self.label, self.begin, self.end, self.sentence = label, begin, end, sentence


class Stages:
    """What one start has told so far. A later message of a stage replaces its earlier one, so
    that a page opened late sees one line a stage; whoever watches meanwhile sees them all.
    """

    def __init__(self) -> None:
        self._told: dict[Stage, tuple[int, Event]] = {}
        self._count = 0
        self._percent = 0
        self._ended = False
        self._news = asyncio.Event()

    def begin(self) -> None:
        """Forget the start before."""
        self._told = {}
        self._percent = 0
        self._ended = False

    def tell(self, stage: Stage, message: str = "", part: float = 0.0) -> None:
        """`stage` has begun, or is done to `part` (0 to 1). The percentage never falls."""
        percent = int(stage.begin + min(1.0, max(0.0, part)) * (stage.end - stage.begin))
        self._percent = max(self._percent, percent)
        self._count += 1
        event = {
            "progress": self._percent,
            "message": message or stage.sentence,
            "stage": stage.label,
        }
        self._told[stage] = (self._count, event)
        self._wake()

    def end(self) -> None:
        """Nothing more will be told: all who watch are done."""
        self._ended = True
        self._wake()

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    async def watch(self) -> AsyncIterator[Event]:
        """What was told and what will be, in order, until the end."""
        seen = 0
        while True:
            news = self._news
            for count, event in sorted(self._told.values(), key=lambda told: told[0]):
                if count > seen:
                    seen = count
                    yield event
            if news is not self._news:
                continue
            if self._ended:
                return
            await news.wait()
