"""Judges what is left over, by what engine and hub say of it. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from jhub_docker.build.plan import BuiltImage
from jhub_docker.catalog.identity import short
from jhub_docker.platform.left_over import LeftOver
from jhub_docker.table import render, size

IMAGES, CACHE, ORPHANS, COPIES = "images", "cache", "orphans", "copies"

KINDS = {
    IMAGES: "builds of this checkout that later ones have taken the place of",
    CACHE: "steps of builds that none used for a day",
    ORPHANS: "containers, networks and volumes that interrupted starts and drills left",
    COPIES: "copies of the database before upgrades, but for the newest",
}
"""What can be cleaned."""

UNUSED = timedelta(days=1)
"""How long a step of the build cache has not been used when it goes."""

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Item:
    """One thing to remove: which kind, what it is called, how many bytes that frees, and why.

    `what` says how to remove it; `names` is what it is known by there. A size of None is not known.
    """

    kind: str
    what: str
    names: tuple[str, ...]
    why: str
    size: int | None = None

    @property
    def name(self) -> str:
        """What a person knows it by."""
        return self.names[0]


def images(old: Iterable[tuple[BuiltImage, tuple[str, ...]]], usage: Record) -> list[Item]:
    """Images with their references; `usage` says what each has for itself (Engine API, df)."""
    own = {
        one["Id"]: one["Size"] - max(one.get("SharedSize", 0), 0)
        for one in usage.get("Images") or ()
    }
    return [
        Item(
            IMAGES,
            "image",
            references,
            f"an older build of {image.package}, {short(image.build_id)}",
            own.get(image.image_id),
        )
        for image, references in old
    ]


def cache(usage: Record, now: datetime) -> list[Item]:
    """All steps that no build used for long enough, as one item."""
    free = sum(
        one["Size"]
        for one in usage.get("BuildCache") or ()
        if not (one.get("InUse") or one.get("Shared")) and _is_old(one, now)
    )
    return [Item(CACHE, "cache", ("build cache",), "no build used it for a day", free)] * bool(free)


def _is_old(step: Record, now: datetime) -> bool:
    said = step.get("LastUsedAt") or step["CreatedAt"]
    return now - datetime.fromisoformat(said) >= UNUSED


def orphans(found: Iterable[LeftOver]) -> list[Item]:
    """What of a platform is left over, but for what still runs."""
    return [
        Item(ORPHANS, one.what, (one.name, one.identity), f"of {one.of}")
        for one in found
        if one.goes
    ]


def copies(listed: Iterable[Record]) -> list[Item]:
    """The hub's copies of its database, as it lists those that are not the way back."""
    why = "an older copy from before an upgrade"
    return [Item(COPIES, "copy", (one["name"],), why, one["size"]) for one in listed]


def text(items: Sequence[Item], not_seen: Mapping[str, str]) -> str:
    """The list, with what it adds up to, and what could not be looked at."""
    lines = [f"Not looked at: {kind} ({why})" for kind, why in not_seen.items()]
    if not items:
        return "\n".join(["There is nothing to clean.", *lines])
    rows = [(one.kind, one.name, size(one.size), one.why) for one in items]
    total = size(sum(one.size or 0 for one in items))
    listing = render(("kind", "what", "size", "why"), rows, right=("size",))
    return "\n".join([listing, f"Together {total}.", *lines])
