"""What a person can choose from, as the page shows it, and which profile a request's options mean:
exactly one that is on offer, or a refusal. Pure.

Options come from a form, a link or the API, so they can be anything that JSON can hold.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, Template, select_autoescape

from hub_config.groups import Rules, UserLimits, may_use, owners_of
from hub_config.offer.compatibility import LeftOut
from hub_config.offer.profiles import Profile
from hub_config.offer.room import Obstacle, Promise, Room, gigabytes, obstacle
from hub_config.runtime.interface import Key
from hub_config.texts import Texts
from hub_config.told import Refusal

NOTHING_TO_OFFER = (
    "There is no image to start a server from. An administrator can build them with "
    "`./dev invoke build`, or on Kubernetes name them in the chart's values; they appear here "
    "within seconds."
)

NOTHING_GOES_WITH_THIS_HUB = (
    "No image here goes with this hub. An administrator finds the reasons on the page Admin."
)

_SHOWN = 60
"""Characters of a wrong option that an answer repeats."""


def choose(options: Any, offer: Sequence[Profile], left_out: Sequence[LeftOut] = ()) -> Profile:
    """The profile that `options` name.

    Raises Refusal 503 when nothing is on offer or the profile is left out since its image does not
    go with the hub, and 400 for anything but `{"profile": KEY}`.
    """
    if not offer and not left_out:
        raise Refusal(NOTHING_TO_OFFER, reason="no-profiles", status_code=503)
    if not isinstance(options, Mapping):
        raise Refusal("Options are an object with the key `profile`.", reason="options")
    if unknown := [key for key in options if key != "profile"]:
        named = shown(", ".join(str(key) for key in unknown[:3]))
        raise Refusal(f"The only option is `profile`, not {named}.", reason="options")
    known = {profile.key: profile for profile in offer}
    wanted = options.get("profile")
    if isinstance(wanted, str) and wanted in known:
        return known[wanted]
    for one in left_out:
        if one.key == wanted:
            raise Refusal(one.for_person, reason="jupyterhub", status_code=503)
    if not offer:
        raise Refusal(NOTHING_GOES_WITH_THIS_HUB, reason="no-profiles", status_code=503)
    what = "There is no such profile" if wanted else "No profile was chosen"
    raise Refusal(f"{what}. There are {in_words(offer)}.", reason="profile")


def in_words(offer: Sequence[Profile]) -> str:
    """What is on offer as people know it, such as `JupyterLab and marimo, each small or large`."""
    sizes: dict[str, list[str]] = {}
    for profile in offer:
        sizes.setdefault(profile.image_title, []).append(profile.size)
    ways = list(sizes.values())
    if any(way != ways[0] for way in ways):
        return "; ".join(f"{title}, {_listed(way, 'or')}" for title, way in sizes.items())
    each = "each " if len(ways) > 1 else ""
    return f"{_listed(list(sizes), 'and')}, {each}{_listed(ways[0], 'or')}"


def _listed(words: Sequence[str], last: str) -> str:
    if len(words) == 1:
        return words[0]
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def form_options(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Options from a form's or a link's fields: lists of texts, and of files for uploads.

    JupyterHub saves options as JSON before they are judged, so what is no text is refused here.
    """
    options = {}
    for key, values in fields.items():
        if key == "_xsrf":
            continue
        if not (isinstance(values, list) and all(isinstance(value, str) for value in values)):
            raise Refusal(f"The field {shown(key)} is no text.", reason="options")
        options[key] = values[0] if len(values) == 1 else values
    return options


def shown(text: str) -> str:
    """What a stranger sent, short and harmless enough to be repeated."""
    return ascii(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")


@dataclass(frozen=True)
class Person:
    """Who is served, the owner of the server `key`: groups, the profiles they used (the last
    one first), whether they are an admin, limits, what their other servers were promised.
    """

    key: Key = ("", "")
    groups: frozenset[str] = frozenset()
    used: Sequence[str] = ()
    admin: bool = False
    limits: UserLimits = field(default_factory=UserLimits)
    own: Sequence[Promise] = ()


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

    @property
    def gpus(self) -> str:
        """Its GPUs in words, e.g. `1 GPU`; empty for none."""
        return self.profile.gpus.words if self.profile.gpus else ""


@dataclass(frozen=True)
class Card:
    """One image: what it is for, the page it opens (`interface`, such as `/lab`), whether it is a
    release or a local build (`origin`), what its build went on without (`warnings`), and its sizes.
    """

    title: str
    description: str
    interface: str
    origin: str
    choices: tuple[Choice, ...]
    warnings: tuple[str, ...] = ()


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
    def gpus(self) -> list[str]:
        """Which GPUs are free, a sentence for each kind."""
        return list(self.room.stock.told()) if self.room.stock else []

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
            warnings=group[0].warnings,
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
        extensions=[Texts],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("profile-choice.html")
