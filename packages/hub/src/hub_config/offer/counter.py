"""The one place of the hub's process where people are served: what there is, judged for them, and
the promise of what they choose, so that no two get the same room.

Between looking at what is free and entering the promise nothing is awaited: twenty requests of
the same moment are judged one after another, each with the promises of those before. Nothing is
kept beside what there is: a container counts by its limits for as long as it runs, whoever knows of
it, and a start by its profile until there is its container.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import requests
from docker.errors import DockerException

from hub_config import names
from hub_config.groups import UserLimits, user_limits
from hub_config.offer import cards
from hub_config.offer.cards import Person
from hub_config.offer.compatibility import OnOffer
from hub_config.offer.images import DeclaredImages, ImageStore
from hub_config.offer.profiles import Profile
from hub_config.offer.room import Host, HostFacts, Promise, Room, promise, room
from hub_config.offer.turns import Turns
from hub_config.runtime.calls import Runtime
from hub_config.runtime.glances import heard
from hub_config.runtime.interface import AwayError, Container, Key
from hub_config.settings import Settings
from hub_config.told import Refusal

LEAST_AT_A_TIME = 4
"""Servers that start at the same time on the smallest machine."""


class Promises:
    """What is promised: by the containers as the runtime knows them, and by starts under way."""

    def __init__(self, known: Mapping[str, Container]) -> None:
        self._known = known
        self._admitted: dict[Key, Promise] = {}

    def enter(self, key: Key, promise: Promise) -> None:
        """A server was admitted."""
        self._admitted[key] = promise

    def release(self, key: Key) -> None:
        """Its start is over: its container tells from now on, if there is one."""
        self._admitted.pop(key, None)

    def all(self) -> dict[Key, Promise]:
        """All promises. Of a server that is starting, its profile's counts, not its container's:
        its memory is still to come.
        """
        running = {
            one.key: Promise(one.memory, one.cpus) for one in self._known.values() if one.runs
        }
        return running | self._admitted

    def others(self, key: Key) -> dict[Key, Promise]:
        """All promises but that of `key`, which is about to be made anew."""
        return {known: promise for known, promise in self.all().items() if known != key}

    def taken(self, key: Key) -> frozenset[str]:
        """The devices that others have than the server `key`, also by a container that ended."""
        having = [(one.key, one.devices) for one in self._known.values()]
        having += [(one, promise.devices) for one, promise in self._admitted.items()]
        return frozenset(device for one, devices in having if one != key for device in devices)


ENGINE_AWAY = (
    "The hub cannot reach {} at the moment, so it cannot tell what there is to start. Servers "
    "that run go on. Try again in a minute; if this stays, tell an administrator."
)


@contextmanager
def asking() -> Iterator[None]:
    """Turns an engine that does not answer, as while it restarts, into a Refusal 503."""
    try:
        yield
    except (AwayError, DockerException, requests.RequestException) as error:
        told = ENGINE_AWAY.format(getattr(error, "place", AwayError.place))
        raise Refusal(told, reason="engine-away", status_code=503) from error


@dataclass
class Counter:
    """One for the whole hub. `disk` is a folder on the file system the engine uses."""

    operator: Settings
    disk: Path
    images: ImageStore
    engine: Runtime

    def __post_init__(self) -> None:
        self.promises = Promises(self.engine.known)
        self.turns = Turns(self.operator.concurrent_spawn_limit or LEAST_AT_A_TIME)
        """Where admitted servers wait to be started."""
        self._facts = HostFacts(self.disk)
        self._info: asyncio.Future[Any] | None = None

    async def on_offer(self) -> OnOffer:
        """The profiles on offer right now, and those left out."""
        with asking():
            return await self.images.on_offer(self.engine)

    async def titles(self) -> Callable[[str], str]:
        """What people know profiles by, asked for once where nobody has since the hub began; while
        the engine is away, their keys."""
        if not self.images.last_offer.profiles:
            with suppress(Refusal):
                await self.on_offer()
        return self.images.title

    async def host_info(self) -> Mapping[str, Any]:
        """What the engine says of its machine, once everything that runs there is known."""
        if self._info is None or self._info.done():
            # One question for all who come: an engine that hangs gets no more of them.
            self._info = asyncio.ensure_future(self.engine.info())
            self._info.add_done_callback(heard)
        with asking():
            info: Mapping[str, Any] = await asyncio.shield(self._info)
        return info

    async def everything_known(self) -> None:
        """A hub that has just started does not know yet what runs, so what is promised."""
        if not self.engine.seen:
            with asking():
                await self.engine.view()

    async def house(self) -> tuple[Host, int, int]:
        """The machine, how much of its memory is promised, and how much could be."""
        host, promised = await self._facts.now(self.host_info), [*self.promises.all().values()]
        memory = sum(one.memory for one in promised)
        return host, memory, room(host, self.operator, promised).memory_ever

    async def offer(self, customer: Person, suggested: str = "") -> cards.Offer:
        """What somebody can choose from, and what is free."""
        usual = customer.used[0] if customer.used else self.operator.default_profile
        there = await self.on_offer()
        await self.everything_known()
        left = (await self._look(customer.key))()
        offer = cards.make_offer(
            there.profiles, self._known(customer), self.operator.groups, left, suggested or usual
        )
        nothing = cards.NOTHING_GOES_WITH_THIS_HUB if there.left_out else cards.NOTHING_TO_OFFER
        reasons = tuple(one.for_admin for one in there.left_out) if customer.admin else ()
        return replace(offer, left_out=reasons, nothing=nothing)

    async def choice(self, options: Any) -> Profile:
        """The profile that options mean; without any, as when an admin starts everybody's server,
        the default one. Raises Refusal.
        """
        there = await self.on_offer()
        if options == {} and self.operator.default_profile:
            options = {"profile": self.operator.default_profile}
        return cards.choose(options, there.profiles, there.left_out)

    async def admit(self, profile: Profile, customer: Person) -> Profile:
        """Promise what `profile` says, which is returned with the devices the server is given;
        raises Refusal when that cannot be.
        """
        await self.everything_known()
        look = await self._look(customer.key)
        # No await from here on.
        left = look()
        problem = cards.judge(profile, self._known(customer), self.operator.groups, left)
        if problem is not None:
            raise Refusal(
                f"{profile.image_title} {profile.size} cannot be started: {problem.sentence}",
                reason=problem.reason,
                status_code=problem.status,
            )
        if left.stock is not None:
            profile = replace(profile, devices=left.stock.assign(profile.gpus))
        self.promises.enter(customer.key, promise(profile))
        return profile

    async def _look(self, key: Key) -> Callable[[], Room]:
        """Ask for the facts; what is returned then tells the room beside the server `key`."""
        host = await self._facts.now(self.host_info)
        if not self.operator.concurrent_spawn_limit:
            self.turns.limit = max(LEAST_AT_A_TIME, 2 * host.cpus)
        return lambda: room(
            host, self.operator, [*self.promises.others(key).values()], self.promises.taken(key)
        )

    def _known(self, customer: Person) -> Person:
        """The same with limits, and with what their other servers were promised."""
        operator = self.operator
        everybody = UserLimits(
            operator.user_server_limit, operator.user_memory_limit_gb, operator.user_cpu_limit
        )
        limits = user_limits(operator.groups, customer.groups, everybody)
        others = self.promises.others(customer.key).items()
        own = [one for (user, _), one in others if user == customer.key[0]]
        return replace(customer, limits=limits, own=own)


def profiles_used(servers: Mapping[str, Any]) -> tuple[str, ...]:
    """The profiles of somebody's servers (JupyterHub's records), the one used last first."""
    in_order = sorted(
        (one for name, one in servers.items() if not names.is_job(name)),
        key=lambda server: server.last_activity or datetime.min,
        reverse=True,
    )
    # Options are what somebody once sent; only those of a start that was admitted were judged.
    options = [server.user_options or {} for server in in_order]
    return tuple(one["profile"] for one in options if isinstance(one.get("profile"), str))


def make(spawner: Any, engine: Runtime) -> Counter:
    """The counter by the settings of `spawner`, a PlatformSpawner."""
    operator = spawner.operator
    images = (DeclaredImages if operator.runtime == "kubernetes" else ImageStore)(operator)
    return Counter(operator, Path(spawner.disk), images, engine)
