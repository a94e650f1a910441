"""The images of the engine: which are on offer, and how one that is missing gets there."""

import asyncio
import logging
import math
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import requests
from docker.errors import DockerException, NotFound
from jupyterhub import __version__ as hub_version

from hub_config.offer.compatibility import OnOffer, sift, why_not
from hub_config.offer.profiles import JUPYTERHUB_LABEL, Profile, bounded, of_image, on_offer, size
from hub_config.offer.pulls import PullError, Pulls, Tell
from hub_config.runtime.calls import EngineCalls
from hub_config.settings import Settings
from hub_config.settings.tables import PullPolicy, parse_reference
from hub_config.told import StartFailure, engine_trouble

FRESH_SECONDS = 3.0
"""How long an answer is used again: a new image shows up in the form within this time."""

log = logging.getLogger(__name__)


class ImageStore:
    """One for the hub's process, so that everybody shares answers and pulls."""

    def __init__(self, operator: Settings) -> None:
        self.operator = operator
        self.last_offer = OnOffer()
        """What was on offer when the engine was asked last; it is not asked again."""
        self._fresh_until = -math.inf
        self._titles: dict[str, str] = {}
        self._told: set[str] = set()
        self._lock = asyncio.Lock()
        self._pulls = Pulls()

    async def listed(self, engine: Any) -> Sequence[Mapping[str, Any]]:
        """What the engine has."""
        images: Sequence[Mapping[str, Any]] = await engine.docker("images")
        return images

    async def on_offer(self, engine: Any) -> OnOffer:
        """The profiles on offer now, and those left out; who asks meanwhile shares the answer."""
        async with self._lock:
            if time.monotonic() > self._fresh_until:
                operator = self.operator
                found = on_offer(await self.listed(engine), operator.image_tag, operator.images)
                self._titles |= {profile.key: profile.title for profile in found}
                there = sift(found, hub_version, operator)
                sized = tuple(bounded(profile, operator) for profile in there.profiles)
                self.last_offer = OnOffer(sized, there.left_out)
                # An empty offer is asked for again at once.
                self._fresh_until = time.monotonic() + FRESH_SECONDS if found else -math.inf
                self._tell()
            return self.last_offer

    def _tell(self) -> None:
        """Log what is left out, each once."""
        for one in self.last_offer.left_out:
            if one.for_admin not in self._told:
                self._told.add(one.for_admin)
                log.warning("%s", one.for_admin)

    def title(self, key: str) -> str:
        """What people know the profile `key` by; the key itself when it was not on offer yet."""
        return self._titles.get(key, key)

    async def ensure(self, profile: Profile, engine: Any, tell: Tell) -> None:
        """Return once the engine has the profile's image; `tell` hears of a pull's progress.

        Only declared images are pulled: another's name may mean something else in a registry.
        Raises StartFailure when the image is not here and does not come, when it is another than
        was offered, and when the engine cannot be asked.
        """
        labels = await self._labels(profile.image, engine)
        if wants_pull(self.operator.pull_policy, profile, labels is not None):
            await self._pull(profile, engine, tell)
            labels = await self._labels(profile.image, engine)
        if labels is None:
            raise StartFailure(
                f"The image {profile.image} is not on this machine (any more). "
                "An administrator can build or pull it."
            )
        if problem := mismatch(profile, labels, self.operator):
            raise StartFailure(f"{profile.title} cannot be started: {problem}")

    async def _pull(self, profile: Profile, engine: EngineCalls, tell: Tell) -> None:
        def stream() -> Iterable[Mapping[str, Any]]:
            wanted = parse_reference(profile.image)
            # Credentials may have been renewed since the hub started.
            engine.client.reload_config()
            messages: Iterable[Mapping[str, Any]] = engine.client.pull(
                wanted.repository, wanted.version, stream=True, decode=True
            )
            return messages

        try:
            getting = self._pulls.get(profile.image, stream, tell)
            await asyncio.wait_for(getting, self.operator.pull_timeout)
        except TimeoutError:
            raise StartFailure(
                f"The image {profile.image} did not arrive within {self.operator.pull_timeout:g} "
                "seconds. It is still being fetched: try again later."
            ) from None
        except (PullError, DockerException, requests.RequestException) as error:
            raise StartFailure(f"The image {profile.image} cannot be fetched: {error}") from None

    async def _labels(self, reference: str, engine: EngineCalls) -> Mapping[str, str] | None:
        """The labels of the engine's image, None where it has none of that name."""
        try:
            record = await engine.docker("inspect_image", reference)
        except NotFound:
            return None
        except (DockerException, requests.RequestException) as error:
            raise engine_trouble(error) from error
        return (record.get("Config") or {}).get("Labels") or {}


class DeclaredImages(ImageStore):
    """Where no engine has images: what was declared is offered, and the cluster fetches it."""

    async def listed(self, engine: Any) -> Sequence[Mapping[str, Any]]:
        """Nothing."""
        return ()

    async def ensure(self, profile: Profile, engine: Any, tell: Tell) -> None:
        """Nothing to do here."""


def wants_pull(policy: PullPolicy, profile: Profile, here: bool) -> bool:
    """Whether a start pulls the profile's image first. What a digest names never changes."""
    if not profile.declared or policy == "never":
        return False
    changes = policy == "always" and not parse_reference(profile.image).digest
    return changes or not here


def mismatch(profile: Profile, labels: Mapping[str, str], enforced: Settings) -> str:
    """Why the image that is here cannot be started as `profile`; empty when it can.

    A declaration may say other things than the image, and a tag may have moved since the offer.
    """
    if why := why_not(labels.get(JUPYTERHUB_LABEL, ""), hub_version):
        return f"its image {profile.image} {why}. Tell an administrator."
    offered = {one.key: bounded(one, enforced) for one in of_image(profile.image, labels)}
    same = offered.get(profile.key)
    if same is None or (size(same), same.gpus) != (size(profile), profile.gpus):
        return (
            f"the label of its image {profile.image} does not offer {profile.key} with that memory "
            "and those CPUs or GPUs. Tell an administrator."
        )
    return ""
