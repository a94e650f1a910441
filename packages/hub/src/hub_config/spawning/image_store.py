"""The images of the engine: which are on offer, and how one that is missing gets there."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import requests
from docker.errors import DockerException, NotFound

from hub_config.spawning.declared_images import DeclaredImage, PullPolicy
from hub_config.spawning.image_source import ImageSource
from hub_config.spawning.profiles import Profile
from hub_config.spawning.pull_progress import PullError
from hub_config.spawning.pulls import Pulls, Tell
from hub_config.spawning.refusal import StartFailure


@dataclass(frozen=True)
class ImagePolicy:
    """The operator's settings; `pull_timeout` in seconds is how long a start waits for a pull."""

    tag: str = "latest"
    declared: tuple[DeclaredImage, ...] = ()
    pull: PullPolicy = "missing"
    pull_timeout: float = 1800


class Engine(Protocol):
    """What this needs of a spawner: the engine's client, and calls to it on a thread."""

    client: Any

    async def docker(self, method: str, *args: Any) -> Any:
        """Call the client's method."""


class ImageStore:
    """One for the hub's process, so that everybody shares answers and pulls."""

    def __init__(self, policy: ImagePolicy) -> None:
        self.policy = policy
        self._source = ImageSource()
        self._pulls = Pulls()

    async def profiles(self, engine: Engine) -> tuple[Profile, ...]:
        """The profiles on offer right now."""

        async def listed() -> Sequence[Mapping[str, Any]]:
            images: Sequence[Mapping[str, Any]] = await engine.docker("images")
            return images

        return await self._source.profiles(listed, self.policy.tag, self.policy.declared)

    def title(self, key: str) -> str:
        """What people know the profile `key` by; the key itself when it was not on offer yet."""
        return self._source.titles.get(key, key)

    async def ensure(self, profile: Profile, engine: Engine, tell: Tell) -> None:
        """Return once the engine has the profile's image; `tell` hears of a pull's progress.

        Only declared images are pulled: another's name may mean something else in a registry.
        Raises StartFailure when the image is not here and does not come.
        """
        here = await self._is_here(profile.image, engine)
        if not wants_pull(self.policy.pull, profile.declared, here):
            if here:
                return
            raise StartFailure(
                f"The image {profile.image} is not on this machine (any more). "
                "An administrator can build or pull it."
            )

        def stream() -> Iterable[Mapping[str, Any]]:
            repository, _, tag = profile.image.rpartition(":")
            messages: Iterable[Mapping[str, Any]] = engine.client.pull(
                repository, tag, stream=True, decode=True
            )
            return messages

        try:
            getting = self._pulls.get(profile.image, stream, tell)
            await asyncio.wait_for(getting, self.policy.pull_timeout)
        except TimeoutError:
            raise StartFailure(
                f"The image {profile.image} did not arrive within {self.policy.pull_timeout:g} "
                "seconds. It is still being fetched: try again later."
            ) from None
        except (PullError, DockerException, requests.RequestException) as error:
            raise StartFailure(f"The image {profile.image} cannot be fetched: {error}") from None

    async def _is_here(self, reference: str, engine: Engine) -> bool:
        try:
            await engine.docker("inspect_image", reference)
        except NotFound:
            return False
        return True


def wants_pull(policy: PullPolicy, declared: bool, here: bool) -> bool:
    """Whether a start pulls the image first."""
    return declared and (policy == "always" or (policy == "missing" and not here))
