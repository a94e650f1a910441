"""Collects what nobody needs and, once it was shown and agreed to, removes it."""

import json
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

from docker import DockerClient
from docker.errors import APIError, NotFound

from jhub_docker.asking import confirm
from jhub_docker.build import images, marks
from jhub_docker.catalog import load
from jhub_docker.clean import leftovers
from jhub_docker.clean.leftovers import CACHE, COPIES, IMAGES, KINDS, ORPHANS, UNUSED, Item
from jhub_docker.engine import usage
from jhub_docker.engine.lock import locked
from jhub_docker.errors import ActionError, UsageError, foreseeable
from jhub_docker.platform import compose, containers, left_over
from jhub_docker.platform.compose import Platform
from jhub_docker.table import counted

Found = tuple[list[Item], dict[str, str]]
"""What can go, and which kinds could not be looked at, with the reason."""


def clean(
    client: DockerClient, root: Path, kinds: Sequence[str], *, dry_run: bool, assume_yes: bool
) -> str:
    """List what nobody needs, ask, remove it; what was done. `kinds` may be empty for all.

    Raises UsageError for an unknown kind, ActionError with what could not be removed.
    """
    if unknown := sorted(set(kinds) - set(KINDS)):
        raise UsageError(f"there is no kind {unknown[0]!r} to clean; known: {', '.join(KINDS)}")
    alone = marks.removing() if IMAGES in kinds or not kinds else nullcontext()
    with locked(compose.read(root).project), alone:
        platform = compose.read(root)
        items, not_seen = _look(
            client, platform, [one for one in KINDS if one in kinds or not kinds]
        )
        told = leftovers.text(items, not_seen)
        if dry_run or not items:
            return told
        confirm(told, "Remove all of it?", "nothing was removed", assume_yes=assume_yes)
        left = [said for one in items if (said := _remove(client, platform, one))]
    if left:
        raise ActionError("\n".join([*left, "all else was removed"]))
    return f"Removed {counted(len(items), 'thing')}."


def _look(client: DockerClient, platform: Platform, kinds: Sequence[str]) -> Found:
    looks: dict[str, Callable[[], list[Item]]] = {
        IMAGES: lambda: _images(client, platform),
        CACHE: lambda: leftovers.cache(usage.of(client), datetime.now(UTC)),
        ORPHANS: lambda: leftovers.orphans(left_over.look(client, platform)),
        COPIES: lambda: leftovers.copies(json.loads(platform.in_hub("copies").require(lines=1))),
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


def _images(client: DockerClient, platform: Platform) -> list[Item]:
    here, root = images.here(), platform.root
    gone = marks.gone()
    # A platform that is stopped has no hub that says what it offers.
    offered = containers.offered(client) | {platform.hub_environment.get("JHUB_IMAGE_TAG", "")}
    unwanted = marks.unwanted(here, load(root / "packages").specs, root, gone, offered)
    by_reference = {name: one for one in here for name in (*one.tags, *one.marks)}
    of_gone = {
        by_reference[name].image_id: (
            by_reference[name],
            tuple(one for one in unwanted if by_reference[one] is by_reference[name]),
        )
        for name in unwanted
    }
    used = {one["ImageID"] for one in client.api.containers(all=True)}
    old = marks.superseded(here, root, used, offered)
    old = [one for one in old if one[0].image_id not in of_gone]
    return leftovers.images([*of_gone.values(), *old], usage.of(client))


def _remove(client: DockerClient, platform: Platform, item: Item) -> str:
    """Remove one thing; why it could not be, empty when it is gone."""
    try:
        match item.what:
            case "image":
                return "; ".join(marks.remove(item.names))
            case "cache":
                hours = f"{int(UNUSED.total_seconds() // 3600)}h"
                client.api.prune_builds(filters={"until": hours})
            case "copy":
                platform.in_hub("copies", "--remove", item.name).require(lines=1)
            case what:
                left_over.remove(client, what, item.names[-1])
    except NotFound:
        return ""
    except APIError as error:
        return f"{item.name} stays: {error.explanation}"
    except ActionError as error:
        return f"{item.name} stays: {error}"
    return ""
