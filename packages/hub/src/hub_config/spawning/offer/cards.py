"""What a person can choose from, as the page shows it: the one structure behind the cards. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from jinja2 import Environment, PackageLoader, Template, select_autoescape

from hub_config.groups import Rules, UserLimits, may_use, owners_of
from hub_config.spawning.admission.room import Obstacle, Promise, Room, gigabytes, obstacle
from hub_config.spawning.offer.choice import NOTHING_TO_OFFER
from hub_config.spawning.offer.profiles import Profile


@dataclass(frozen=True)
class Person:
    """Whom the offer is for: groups, limits, what their other servers were promised, and the
    profiles they used, the last one first.
    """

    groups: frozenset[str] = frozenset()
    limits: UserLimits = field(default_factory=UserLimits)
    own: Sequence[Promise] = ()
    used: Sequence[str] = ()


@dataclass(frozen=True)
class Choice:
    """One size of an image. `obstacle` is why it cannot be started now, None when it can."""

    profile: Profile
    obstacle: Obstacle | None
    chosen: bool
    last_used: bool

    @property
    def fits(self) -> bool:
        """Whether it can be started now."""
        return self.obstacle is None

    @property
    def allowed(self) -> bool:
        """Whether this person may use it at all, however full the machine is."""
        return self.obstacle is None or self.obstacle.reason != "profile"

    @property
    def why_not(self) -> str:
        """Why it cannot be started now, in a sentence; empty when it can."""
        return self.obstacle.sentence if self.obstacle else ""

    @property
    def cpus(self) -> str:
        """Its CPUs in words, e.g. `1-2 CPUs`."""
        least, most = self.profile.cpu_guarantee, self.profile.cpu_limit
        if most is None:
            return f"{least:g} or more CPUs" if least else "All CPUs when free"
        if least is None or least == most:
            return f"{most:g} CPU{'' if most == 1 else 's'}"
        return f"{least:g}–{most:g} CPUs"  # noqa: RUF001

    @property
    def memory(self) -> str:
        """Its memory in words, e.g. `2 GB memory`."""
        return f"{gigabytes(self.profile.memory)} memory"


@dataclass(frozen=True)
class Card:
    """One image: what it is for, the page it opens (`interface`, such as `/lab`), whether it is a
    release or a local build (`origin`), and its sizes.
    """

    title: str
    description: str
    interface: str
    origin: str
    choices: tuple[Choice, ...]
    last_used: bool


@dataclass(frozen=True)
class Offer:
    """All cards, the image used last first, and what is free on the machine now.

    `left_out` are sentences for an admin about images that do not go with this hub; `nothing` is
    what to say where there is no card.
    """

    cards: tuple[Card, ...]
    room: Room
    left_out: tuple[str, ...] = ()
    nothing: str = NOTHING_TO_OFFER

    @property
    def choices(self) -> tuple[Choice, ...]:
        """The choices of all cards."""
        return tuple(choice for card in self.cards for choice in card.choices)

    @property
    def free(self) -> str:
        """What is free, in words."""
        words = [f"{gigabytes(self.room.memory)} of memory"]
        if self.room.cpus is not None:
            words.append(f"{self.room.cpus:g} CPUs")
        if self.room.servers is not None:
            words.append(f"room for {self.room.servers} more servers")
        return ", ".join(words)

    @property
    def cpu_note(self) -> str:
        """A word of warning when a choice promises more CPUs than the machine has."""
        machine = self.room.machine_cpus
        if all((choice.profile.cpu_guarantee or 0) <= machine for choice in self.choices):
            return ""
        many = "one CPU" if machine == 1 else f"{machine} CPUs"
        return f"This machine has {many}, which all servers share."


def judge(profile: Profile, person: Person, rules: Rules, left: Room) -> Obstacle | None:
    """Why `person` cannot start `profile` now; None when they can."""
    if not may_use(rules, profile.key, person.groups):
        owners = ", ".join(sorted(owners_of(rules, profile.key)))
        return Obstacle("profile", f"It is for members of {owners}.", 403)
    return obstacle(profile, person.own, person.limits, left)


def make_offer(
    profiles: Sequence[Profile], person: Person, rules: Rules, left: Room, preferred: str = ""
) -> Offer:
    """The offer to `person`; `preferred` is the profile that is chosen when the page opens.

    If that one cannot be started, the first one that can is chosen instead.
    """
    judged = {profile.key: judge(profile, person, rules, left) for profile in profiles}
    by_image = _by_image(profiles, person.used)
    in_order = [profile.key for group in by_image.values() for profile in group]
    chosen = _chosen(preferred, in_order, judged)
    last = next((key for key in person.used if key in judged), None)
    cards = (
        Card(
            title=group[0].image_title,
            description=group[0].description,
            interface=group[0].default_url,
            origin=group[0].origin,
            choices=tuple(Choice(p, judged[p.key], p.key == chosen, p.key == last) for p in group),
            last_used=any(p.key == last for p in group),
        )
        for group in by_image.values()
    )
    return Offer(tuple(cards), left)


def _by_image(profiles: Sequence[Profile], used: Sequence[str]) -> Mapping[str, list[Profile]]:
    groups: dict[str, list[Profile]] = {}
    for profile in profiles:
        groups.setdefault(profile.image, []).append(profile)

    def rank(image: str) -> int:
        keys = {profile.key for profile in groups[image]}
        return next((place for place, key in enumerate(used) if key in keys), len(used))

    return {image: groups[image] for image in sorted(groups, key=rank)}


def _chosen(
    preferred: str, keys: Collection[str], judged: Mapping[str, Obstacle | None]
) -> str | None:
    candidates = [preferred, *keys] if preferred in judged else list(keys)
    startable = (key for key in candidates if judged[key] is None)
    return next(startable, None)


def render(offer: Offer) -> str:
    """The form's inside, as HTML; JupyterHub's page puts the form and its button around it."""
    return _template().render(offer=offer)


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("hub_config"),
        autoescape=select_autoescape(),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("profile-choice.html")
