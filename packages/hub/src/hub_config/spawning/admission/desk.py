"""The one place of the hub's process where servers are admitted, so that no two get the same room.

Between looking at what is free and entering the promise nothing is awaited: twenty requests of
the same moment are judged one after another, each with the promises of those before.

Nothing is kept beside what there is: a container counts by its limits for as long as it runs,
whoever knows of it, and a start by its profile until there is its container.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hub_config.groups import Rules, UserLimits, user_limits
from hub_config.runtime.interface import Container, Key
from hub_config.spawning.admission.host import HostFacts, Info
from hub_config.spawning.admission.room import Policy, Promise, Room, promise, room
from hub_config.spawning.admission.turns import Turns
from hub_config.spawning.offer.cards import Offer, Person, judge, make_offer
from hub_config.spawning.offer.profiles import Profile
from hub_config.spawning.refusal import Refusal

LEAST_AT_A_TIME = 4
"""Servers that start at the same time on the smallest machine."""


class Promises:
    """What is promised: by the containers as the runtime knows them, and by starts under way."""

    def __init__(self, known: Mapping[str, Container] | None = None) -> None:
        self._known = {} if known is None else known
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


@dataclass
class Desk:
    """Settings, facts and promises. `disk` is a folder on the file system the engine uses;
    `at_a_time` is how many servers start at the same time, 0: twice the machine's CPUs.
    """

    policy: Policy
    rules: Rules
    everybody: UserLimits
    disk: Path
    at_a_time: int = 0
    promises: Promises = field(default_factory=Promises)

    def __post_init__(self) -> None:
        self._facts = HostFacts(self.disk)
        self._turns: Turns | None = None

    @property
    def turns(self) -> Turns:
        """Where admitted servers wait to be started."""
        if self._turns is None:
            self._turns = Turns(self.at_a_time or LEAST_AT_A_TIME)
        return self._turns

    async def offer(
        self,
        profiles: list[Profile] | tuple[Profile, ...],
        key: Key,
        groups: Iterable[str],
        info: Info,
        used: list[str],
        preferred: str,
    ) -> Offer:
        """What the owner of the server `key` can choose from."""
        look = await self._look(key, info)
        person = self.person(key, groups, used)
        return make_offer(profiles, person, self.rules, look(), preferred)

    async def admit(self, profile: Profile, key: Key, groups: Iterable[str], info: Info) -> None:
        """Promise the server `key` what `profile` says; raises Refusal when that cannot be."""
        look = await self._look(key, info)
        # No await from here on.
        problem = judge(profile, self.person(key, groups), self.rules, look())
        if problem is not None:
            raise Refusal(
                f"{profile.image_title} {profile.size} cannot be started: {problem.sentence}",
                reason=problem.reason,
                status_code=problem.status,
            )
        self.promises.enter(key, promise(profile))

    async def _look(self, key: Key, info: Info) -> Callable[[], Room]:
        """Ask for the facts; what is returned then tells the room beside the server `key`."""
        host = await self._facts.now(info)
        if self._turns is None:
            self._turns = Turns(self.at_a_time or max(LEAST_AT_A_TIME, 2 * host.cpus))
        return lambda: room(host, self.policy, list(self.promises.others(key).values()))

    def person(self, key: Key, groups: Iterable[str], used: Iterable[str] = ()) -> Person:
        """The owner of the server `key`, with what their other servers were promised."""
        groups = frozenset(groups)
        others = self.promises.others(key)
        return Person(
            groups=groups,
            limits=user_limits(self.rules, groups, self.everybody),
            own=[one for (user, _), one in others.items() if user == key[0]],
            used=list(used),
        )
