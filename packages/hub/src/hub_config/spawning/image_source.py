"""Asks the engine for the images that can be offered, at most once every few seconds."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from hub_config.spawning.declared_images import DeclaredImage
from hub_config.spawning.profiles import Profile, on_offer

FRESH_SECONDS = 3.0
"""How long an answer is used again: a new image shows up in the form within this time."""

ListImages = Callable[[], Awaitable[Sequence[Mapping[str, Any]]]]


class ImageSource:
    """The profiles on offer, kept for a moment."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives seconds."""
        self._clock = clock
        self._profiles: dict[str, tuple[float, tuple[Profile, ...]]] = {}
        self._lock = asyncio.Lock()
        self.titles: dict[str, str] = {}
        """What people know a profile by, such as `JupyterLab, small`, of all that were on offer."""

    async def profiles(
        self, list_images: ListImages, tag: str, declared: Sequence[DeclaredImage] = ()
    ) -> tuple[Profile, ...]:
        """All profiles on offer; whoever asks at the same time shares one answer."""
        async with self._lock:
            known = self._profiles.get(tag)
            if known is None or self._clock() - known[0] > FRESH_SECONDS:
                known = (self._clock(), on_offer(await list_images(), tag, declared))
                self.titles |= {one.key: f"{one.image_title}, {one.size}" for one in known[1]}
                if known[1]:  # an empty offer is asked for again at once
                    self._profiles[tag] = known
                else:
                    self._profiles.pop(tag, None)
            return known[1]
