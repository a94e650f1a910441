"""Asks the engine for the images that can be offered, at most once every few seconds."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from jupyterhub import __version__ as hub_version

from hub_config.settings.images import DeclaredImage
from hub_config.spawning.images.compatibility import OnOffer, sift
from hub_config.spawning.offer.profiles import on_offer

FRESH_SECONDS = 3.0
"""How long an answer is used again: a new image shows up in the form within this time."""

log = logging.getLogger(__name__)

ListImages = Callable[[], Awaitable[Sequence[Mapping[str, Any]]]]


class ImageSource:
    """The profiles on offer, kept for a moment."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives seconds."""
        self._clock = clock
        self._known: dict[str, tuple[float, OnOffer]] = {}
        self._told: set[str] = set()
        self._lock = asyncio.Lock()
        self.titles: dict[str, str] = {}
        """What people know a profile by, such as `JupyterLab, small`, of all that were seen."""
        self.last = OnOffer()
        """What the engine's answer was last."""

    async def on_offer(
        self, list_images: ListImages, tag: str, declared: Sequence[DeclaredImage] = ()
    ) -> OnOffer:
        """All profiles on offer; whoever asks at the same time shares one answer."""
        async with self._lock:
            known = self._known.get(tag)
            if known is None or self._clock() - known[0] > FRESH_SECONDS:
                found = on_offer(await list_images(), tag, declared)
                self.titles |= {profile.key: profile.title for profile in found}
                known = (self._clock(), sift(found, hub_version))
                if found:  # an empty offer is asked for again at once
                    self._known[tag] = known
                else:
                    self._known.pop(tag, None)
                self.last = known[1]
                self._tell(known[1])
            return known[1]

    def _tell(self, offer: OnOffer) -> None:
        """Log what is left out, each once."""
        for one in offer.left_out:
            if one.for_admin not in self._told:
                self._told.add(one.for_admin)
                log.warning("%s", one.for_admin)
