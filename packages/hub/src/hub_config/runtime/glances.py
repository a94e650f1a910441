"""Whether everybody's servers still run, asked again and again without a look at each.

JupyterHub asks every ten seconds for every server. A look at one is a call through the filter; a
list is one call for all of them. Only a look tells what a server lost for want of memory, so each
gets one now and then: at every question while there are few, less often the more there are.
"""

import asyncio
from collections.abc import Callable, Coroutine
from math import inf
from typing import Any

LOOKS = 5
"""Looks in a second, at most, that such questions cause."""

LASTS = 5.0
"""Seconds for which a list will do."""


def heard(future: "asyncio.Future[Any]") -> None:
    """For `add_done_callback`: a failure is for who waits; when nobody does any more, it is no news
    for the log.
    """
    if not future.cancelled():
        future.exception()


class Glances:
    """What was looked at when; times are the event loop's."""

    def __init__(self, running: Callable[[], Coroutine[Any, Any, frozenset[str]]]) -> None:
        """`running` lists the ids of the containers that run."""
        self._running = running
        self._looked: dict[str, float] = {}
        self._list: asyncio.Future[frozenset[str]] | None = None
        self._listed = -inf

    def looked(self, container: str) -> None:
        """It is just being looked at."""
        self._looked[container] = asyncio.get_running_loop().time()

    async def still_runs(self, container: str) -> bool:
        """Whether the list has it; False, too, for one whose turn it is to be looked at."""
        now = asyncio.get_running_loop().time()
        if now >= self._looked.get(container, -inf) + len(self._looked) / LOOKS:
            return False
        # One that has no answer yet is no reason for another: an engine that hangs gets no more.
        if self._list is None or (self._list.done() and now >= self._listed + LASTS):
            self._list, self._listed = asyncio.ensure_future(self._fetch()), now
            self._list.add_done_callback(heard)
        return container in await asyncio.shield(self._list)

    async def _fetch(self) -> frozenset[str]:
        """A new list. Here it is forgotten who is gone: once for all who ask, not for each."""
        listed = await self._running()
        self._looked = {one: at for one, at in self._looked.items() if one in listed}
        return listed
