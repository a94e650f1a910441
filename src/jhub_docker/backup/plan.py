"""What of a repository is restored, and into which volumes. Pure.

A home is known by a random word that is in the hub's database and on the volume. So a volume that
has the right name and another word is somebody else's, or of another database: it is left alone,
the home gets a volume beside it, and a database that is restored with it is told so.
"""

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import count
from typing import Any

from jhub_docker.catalog.identity import LABEL
from jhub_docker.errors import UsageError
from jhub_docker.platform import containers

HUB, HOME, SPACES = "hub", "home", "spaces"
LIST = "./dev invoke backup.list, with the same --to and --key-file, shows what there is"
WORD = f"{LABEL}.home"

PREFIXES = {
    HOME: "JHUB_USER_VOLUME_PREFIX",
    "shared": "JHUB_SHARED_VOLUME_PREFIX",
    SPACES: "JHUB_PLATFORM",
}
"""The settings that say how volumes begin, by their kind."""

DEFAULTS = {**containers.PREFIXES, "JHUB_PLATFORM": "jhub-docker"}

Snapshot = Mapping[str, Any]
Labels = Mapping[str, str]


@dataclass(frozen=True)
class Item:
    """One volume's restore: of which snapshot, into which volume, and whether it is made for it."""

    snapshot: Snapshot
    volume: str
    labels: Labels
    exists: bool
    beside: bool = False
    """Whether another home has its name, so that it gets one beside it."""

    @property
    def kind(self) -> str:
        """What the volume is for."""
        return str(self.snapshot["kind"])

    def request(self) -> dict[str, Any]:
        """As the container reads it."""
        said = {key: self.snapshot[key] for key in ("time", "kind")}
        of = {"snapshot": self.snapshot["id"], "source": self.snapshot["volume"]}
        return {**said, **of, "volume": self.volume}


def of_platform(found: Iterable[Snapshot], project: str, named: str = "") -> list[Snapshot]:
    """The snapshots of one platform: the named one, else this, else the only one there is."""
    by_platform: dict[str, list[Snapshot]] = {}
    for one in found:
        by_platform.setdefault(one["platform"], []).append(one)
    if not by_platform:
        raise UsageError("the repository has no backup of a platform")
    name = named or (project if project in by_platform else "")
    if not name and len(by_platform) == 1:
        (name,) = by_platform
    if name not in by_platform:
        raise UsageError(
            f"the repository has no backup of {name or project!r}; it has those of "
            f"{', '.join(sorted(by_platform))} (--of)"
        )
    return by_platform[name]


def everything(found: Sequence[Snapshot], at: str = "") -> list[Snapshot]:
    """The snapshots of one whole run: the newest complete one, or the one that `at` names.

    A backup of the hub alone is of no whole platform: its people would come back without homes.
    """
    (hub,) = of_hub([one for one in found if one["whole"]], at)
    return [one for one in found if one["run"] == hub["run"]]


def of_hub(found: Sequence[Snapshot], at: str = "") -> list[Snapshot]:
    """The newest snapshot of the hub alone, or the one that `at` names."""
    hubs = _best((one for one in found if one["kind"] == HUB), at)
    if not hubs:
        what = f"backup {at!r}" if at else "complete backup"
        raise UsageError(f"there is no {what} with the hub in it; {LIST}")
    return hubs[-1:]


def of_people(found: Sequence[Snapshot], names: Iterable[str], at: str = "") -> list[Snapshot]:
    """The newest snapshot of each home of these people, or the ones that `at` names.

    A name may be a volume's, where somebody has several.
    """
    chosen: dict[str, Snapshot] = {}
    for name in names:
        theirs = [
            one for one in found if one["kind"] != HUB and name in (one["person"], one["volume"])
        ]
        homes = dict.fromkeys(one["volume"] for one in theirs)
        matching = [_best((one for one in theirs if one["volume"] == home), at) for home in homes]
        if not any(matching):
            when = f" at {at!r}" if at else ""
            raise UsageError(f"there is no backup of {name!r}{when}; {LIST}")
        chosen |= {some[-1]["volume"]: some[-1] for some in matching if some}
    return list(chosen.values())


def _best(found: Iterable[Snapshot], at: str) -> list[Snapshot]:
    """Those that `at` names, the complete ones if there are any: others only if it names them."""
    # By its run, by its own id, or by how its time begins; `backup.list` shows times with a space.
    ways = {"run": at, "id": at, "time": at.replace(" ", "T")}
    named = [one for one in found if any(one[key].startswith(ways[key]) for key in ways)]
    return [one for one in named if one["complete"]] or (named if at else [])


def items(
    chosen: Iterable[Snapshot],
    there: Mapping[str, Labels],
    project: str,
    named: Mapping[str, str],
) -> list[Item]:
    """Where each snapshot goes. `there` are the engine's volumes with their labels, `named` what
    they are called here."""
    snapshots, found = list(chosen), []
    taken = {named[one["volume"]] for one in snapshots}
    for one in snapshots:
        labels = {} if one["kind"] == HUB else dict(one["labels"])
        labels[f"{LABEL}.platform"] = project
        if one["kind"] in (HUB, SPACES):
            labels["com.docker.compose.project"] = project
        if one["kind"] == HUB:
            labels["com.docker.compose.volume"] = "jupyterhub_data"
        name, word = named[one["volume"]], labels.get(WORD, "")
        is_other = name in there and there[name].get(WORD, "") != word
        volume = _beside(name, word, there, taken) if is_other else name
        taken.add(volume)
        found.append(Item(one, volume, labels, exists=volume in there, beside=is_other))
    return found


def names(
    snapshots: Iterable[Snapshot], data_volume: str, then: Labels, now: Labels
) -> dict[str, str]:
    """What the volumes of these snapshots are called here, by what they are called there: by the
    settings of then and now."""
    found = {}
    for one in snapshots:
        setting = PREFIXES.get(one["kind"], "")
        old, new = (said.get(setting) or DEFAULTS.get(setting, "") for said in (then, now))
        here = new + one["volume"].removeprefix(old)
        found[one["volume"]] = data_volume if one["kind"] == HUB else here
    return found


def _beside(name: str, word: str, there: Mapping[str, Labels], taken: Set[str]) -> str:
    """A name like the hub's for a later person of that name, which its filter takes.

    One that an earlier try made for this very home is found again.
    """
    base = re.sub(r"\.\d+$", "", name)

    def is_free(other: str) -> bool:
        same = bool(word) and there.get(other, {}).get(WORD) == word
        return other not in taken and (same or other not in there)

    return next(other for number in count(2) if is_free(other := f"{base}.{number}"))


def told(planned: Iterable[Item], path: str = "") -> str:
    """What a restore will do, a line for each volume."""
    lines = []
    for one in sorted(planned, key=lambda one: (one.kind != HUB, one.volume)):
        whose = {
            HUB: "the hub's database, secrets and settings",
            HOME: f"the home of {one.snapshot['person'] or 'nobody'}",
            SPACES: "what MLflow has tracked",
        }.get(one.kind, "a folder")
        if path:
            what = f"puts {path} of {whose} back; what is there stays beside it"
        elif one.exists:
            what = f"REPLACES {whose} in the volume {one.volume}"
        else:
            what = f"makes the volume {one.volume} with {whose}"
        lacks = "" if one.snapshot["complete"] else ", INCOMPLETE: files could not be read then"
        when = one.snapshot["time"][:16].replace("T", " ")
        lines.append(f"  {what}, as of {when} UTC{lacks}")
    return "\n".join(lines)
