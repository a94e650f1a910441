"""Gets images from their registries: each once, however many wait for it, and on threads of its
own, so that a slow registry holds up nobody who wants another image.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from hub_config.spawning.images.pull_progress import PullProgress

THREADS = 8
"""Different images that can be under way at the same time."""

PAUSE = 0.3
"""Seconds between two messages to who waits; the engine sends hundreds a second."""

Tell = Callable[[str, float], None]
"""Is told a sentence and how much is done, 0 to 1."""

Stream = Callable[[], Iterable[Mapping[str, Any]]]
"""Begins a pull and gives the engine's messages; called on a thread."""


class _Pull:
    def __init__(self) -> None:
        self.progress = PullProgress()
        self.listeners: list[Tell] = []
        self.task: asyncio.Future[None]
        self._soon: asyncio.TimerHandle | None = None

    def changed(self) -> None:
        """Tell what there is to tell, a moment from now: one message for all of that moment."""
        if self._soon is None:
            self._soon = asyncio.get_running_loop().call_later(PAUSE, self._news)

    def _news(self) -> None:
        self._soon = None
        for tell in self.listeners:
            tell(self.progress.sentence, self.progress.part)


class Pulls:
    """The pulls that are under way."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, "pull")
        self._running: dict[str, _Pull] = {}

    async def get(self, reference: str, stream: Stream, tell: Tell) -> None:
        """Return once the image is there; a pull of it that is under way is shared.

        When whoever waits gives up, the pull goes on: the next one who wants the image has less
        to wait for. Raises PullError, or what the engine's client raises.
        """
        pull = self._running.get(reference)
        if pull is None:
            pull = self._running[reference] = _Pull()
            pull.task = asyncio.ensure_future(self._run(reference, pull, stream))
            pull.task.add_done_callback(_heard)
        pull.listeners.append(tell)
        try:
            tell(pull.progress.sentence, pull.progress.part)
            await asyncio.shield(pull.task)
        finally:
            pull.listeners.remove(tell)

    async def _run(self, reference: str, pull: _Pull, stream: Stream) -> None:
        loop = asyncio.get_running_loop()

        def work() -> None:
            for message in stream():
                pull.progress.take(message)
                loop.call_soon_threadsafe(pull.changed)

        try:
            await loop.run_in_executor(self._threads, work)
        finally:
            del self._running[reference]


def _heard(task: "asyncio.Future[None]") -> None:
    """A failure is for those who wait; when nobody does any more, it is no news for the log."""
    if not task.cancelled():
        task.exception()
