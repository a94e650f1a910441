"""Where a person is served: what there is, judged for them, and the promise of what they choose."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import requests
from docker.errors import DockerException

from hub_config.runtime.docker import DockerRuntime
from hub_config.runtime.interface import AwayError, Key
from hub_config.spawning.admission.desk import Desk, Promises
from hub_config.spawning.images.compatibility import OnOffer
from hub_config.spawning.images.store import ImageStore
from hub_config.spawning.offer.cards import Offer
from hub_config.spawning.offer.choice import (
    NOTHING_GOES_WITH_THIS_HUB,
    NOTHING_TO_OFFER,
    choose,
)
from hub_config.spawning.offer.profiles import Profile
from hub_config.spawning.refusal import Refusal

ENGINE_AWAY = (
    "The hub cannot reach the Docker Engine at the moment, so it cannot tell what there is to "
    "start. Servers that run go on. Try again in a minute; if this stays, tell an administrator."
)


@contextmanager
def asking() -> Iterator[None]:
    """Turns an engine that does not answer, as while it restarts, into a Refusal 503."""
    try:
        yield
    except (AwayError, DockerException, requests.RequestException) as error:
        raise Refusal(ENGINE_AWAY, reason="engine-away", status_code=503) from error


@dataclass(frozen=True)
class Customer:
    """The owner of a server: its key, the groups they are in, the profiles of their servers, the
    one used last first, and whether they are an admin.
    """

    key: Key
    groups: frozenset[str]
    used: tuple[str, ...] = ()
    admin: bool = False


@dataclass
class Counter:
    """One for the whole hub."""

    images: ImageStore
    desk: Desk
    engine: DockerRuntime
    default_profile: str = ""

    async def on_offer(self) -> OnOffer:
        """The profiles on offer right now, and those left out."""
        with asking():
            return await self.images.on_offer(self.engine)

    async def host_info(self) -> Mapping[str, Any]:
        """What the engine says of its machine, once everything that runs there is known."""
        with asking():
            info: Mapping[str, Any] = await self.engine.docker("info")
        return info

    async def everything_known(self) -> None:
        """A hub that has just started does not know yet what runs, so what is promised."""
        if not self.engine.seen:
            with asking():
                await self.engine.view()

    async def offer(self, customer: Customer, suggested: str = "") -> Offer:
        """What somebody can choose from, and what is free."""
        used = list(customer.used)
        preferred = suggested or (used[0] if used else self.default_profile)
        there = await self.on_offer()
        await self.everything_known()
        offer = await self.desk.offer(
            there.profiles, customer.key, customer.groups, self.host_info, used, preferred
        )
        nothing = NOTHING_GOES_WITH_THIS_HUB if there.left_out else NOTHING_TO_OFFER
        reasons = tuple(one.for_admin for one in there.left_out) if customer.admin else ()
        return replace(offer, left_out=reasons, nothing=nothing)

    async def choice(self, options: Any) -> Profile:
        """The profile that options mean; without any, as when an admin starts everybody's server,
        the default one. Raises Refusal.
        """
        there = await self.on_offer()
        if options == {} and self.default_profile:
            options = {"profile": self.default_profile}
        return choose(options, there.profiles, there.left_out)

    async def admit(self, profile: Profile, customer: Customer) -> None:
        """Promise what `profile` says; raises Refusal when that cannot be."""
        await self.everything_known()
        await self.desk.admit(profile, customer.key, customer.groups, self.host_info)


def profiles_used(servers: Mapping[str, Any]) -> tuple[str, ...]:
    """The profiles of somebody's servers (JupyterHub's records), the one used last first."""
    in_order = sorted(
        servers.values(), key=lambda server: server.last_activity or datetime.min, reverse=True
    )
    # Options are what somebody once sent; only those of a start that was admitted were judged.
    options = [server.user_options or {} for server in in_order]
    return tuple(one["profile"] for one in options if isinstance(one.get("profile"), str))


def make(spawner: Any, engine: DockerRuntime) -> Counter:
    """The counter by the settings of `spawner`, a PlatformSpawner."""
    desk = Desk(
        spawner.policy,
        spawner.group_rules,
        spawner.user_limits,
        Path(spawner.disk),
        spawner.at_a_time,
        Promises(engine.known),
    )
    return Counter(ImageStore(spawner.image_policy), desk, engine, spawner.default_profile)
