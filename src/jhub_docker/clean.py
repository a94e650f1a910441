"""What nobody needs any more: collected, judged by what engine and hub say of it, and removed once
somebody has seen the list. A home, what runs, and what another checkout marked is never among it.
"""

import json
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from docker.errors import APIError, NotFound

from jhub_docker import engine
from jhub_docker.asking import confirm
from jhub_docker.build import images as built
from jhub_docker.build import marks
from jhub_docker.build.plan import BuiltImage
from jhub_docker.catalog import load
from jhub_docker.catalog.identity import short
from jhub_docker.engine import checks
from jhub_docker.engine.lock import locked
from jhub_docker.errors import ActionError, UsageError, foreseeable
from jhub_docker.platform import compose, containers, left_over
from jhub_docker.platform.compose import Platform
from jhub_docker.platform.left_over import LeftOver
from jhub_docker.table import counted, render, size

KINDS = IMAGES, CACHE, ORPHANS, COPIES = "images", "cache", "orphans", "copies"
"""What can be cleaned: builds that later ones have taken the place of, steps that no build used
lately, what interrupted starts and drills left, copies of the database before older upgrades."""

UNUSED = timedelta(days=1)
"""How long a step of the build cache has not been used when it goes."""

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Item:
    """One thing to remove: which kind, what it is called, how many bytes that frees, and why.

    `what` says how to remove it; `names` is what it is known by there, a person's word first. A
    size of None is not known.
    """

    kind: str
    what: str
    names: tuple[str, ...]
    why: str
    size: int | None = None


def images(
    old: Iterable[tuple[BuiltImage, tuple[str, ...]]],
    usage: Record,
    packages: Container[str],
    gone: Mapping[str, Path],
) -> list[Item]:
    """Images with their references; `usage` says what each has for itself (Engine API, df), `gone`
    where checkouts were that are no more: what was theirs alone is no older build of this one."""

    def what(image: BuiltImage) -> str:
        if image.package not in packages:
            return "of a package that is no more:"
        keepers = {*map(marks.keeper, image.marks)}
        if keepers and keepers <= gone.keys():
            return f"of a checkout that is no more, {gone[min(keepers)]}:"
        return "an older build of"

    own = {
        one["Id"]: one["Size"] - max(one.get("SharedSize", 0), 0)
        for one in usage.get("Images") or ()
    }
    return [
        Item(
            IMAGES,
            "image",
            references,
            f"{what(image)} {image.package}, {short(image.build_id)}",
            own.get(image.image_id),
        )
        for image, references in old
    ]


def cache(usage: Record, now: datetime) -> list[Item]:
    """All steps that no build used for long enough, as one item."""
    free = 0
    for one in usage.get("BuildCache") or ():
        used = datetime.fromisoformat(one.get("LastUsedAt") or one["CreatedAt"])
        if not (one.get("InUse") or one.get("Shared")) and now - used >= UNUSED:
            free += one["Size"]
    return [Item(CACHE, "cache", ("build cache",), "no build used it for a day", free)] * bool(free)


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
    rows = [(one.kind, one.names[0], size(one.size), one.why) for one in items]
    total = size(sum(one.size or 0 for one in items))
    listing = render(("kind", "what", "size", "why"), rows, right=("size",))
    return "\n".join([listing, f"Together {total}.", *lines])


def clean(root: Path, kinds: Sequence[str], *, dry_run: bool, assume_yes: bool) -> str:
    """List what nobody needs, ask, remove it; what was done. `kinds` may be empty for all."""
    if unknown := sorted(set(kinds) - set(KINDS)):
        raise UsageError(f"there is no kind {unknown[0]!r} to clean; known: {', '.join(KINDS)}")
    alone = marks.removing() if IMAGES in kinds or not kinds else nullcontext()
    with locked(compose.read(root).project), alone:
        platform = compose.read(root)
        items, not_seen = _look(platform, [one for one in KINDS if one in kinds or not kinds])
        told = text(items, not_seen)
        if dry_run or not items:
            return told
        confirm(told, "Remove all of it?", "nothing was removed", assume_yes=assume_yes)
        left = [said for one in items if (said := _remove(platform, one))]
    if left:
        raise ActionError("\n".join([*left, "all else was removed"]))
    return f"Removed {counted(len(items), 'thing')}."


def _look(platform: Platform, kinds: Sequence[str]) -> tuple[list[Item], dict[str, str]]:
    """What can go, and which kinds could not be looked at, with the reason."""
    looks: dict[str, Callable[[], list[Item]]] = {
        IMAGES: lambda: _images(platform),
        CACHE: lambda: cache(checks.usage(), datetime.now(UTC)),
        ORPHANS: lambda: orphans(left_over.look(platform)),
        COPIES: lambda: copies(json.loads(platform.in_hub("copies").require(lines=1))),
    }
    items: list[Item] = []
    not_seen = {}
    for kind in kinds:
        try:
            items += looks[kind]()
        except Exception as error:
            if (known := foreseeable(error)) is None:
                raise
            not_seen[kind] = str(known)
    return items, not_seen


def _images(platform: Platform) -> list[Item]:
    here, root = built.here(), platform.root
    # A platform that is stopped has no hub that says what it offers.
    offered = containers.offered() | {platform.hub_environment.get("JHUB_IMAGE_TAG", "")}
    used = {one["ImageID"] for one in engine.api().containers(all=True)}
    packages, gone = load(root / "packages").specs, marks.gone()
    old = marks.unwanted(here, packages, root, gone, used, offered)
    return images(old, checks.usage(), packages, gone)


def _remove(platform: Platform, item: Item) -> str:
    """Remove one thing; why it could not be, empty when it is gone."""
    try:
        match item.what:
            case "image":
                return "; ".join(marks.remove(item.names))
            case "cache":
                hours = f"{int(UNUSED.total_seconds() // 3600)}h"
                engine.api().prune_builds(filters={"until": hours})
            case "copy":
                platform.in_hub("copies", "--remove", item.names[0]).require(lines=1)
            case what:
                left_over.remove(what, item.names[-1])
    except NotFound:
        return ""
    except APIError as error:
        return f"{item.names[0]} stays: {error.explanation}"
    except ActionError as error:
        return f"{item.names[0]} stays: {error}"
    return ""
