"""Which volumes are a platform's, and what snapshots say of theirs. Pure.

A snapshot's tags are `key=value`, the value quoted like in an address, since restic separates tags
by commas. They hold all there is to know of a volume: with its labels it can be made again.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, unquote

LABEL = "io.jhub-docker"
PLATFORM, USER, FOLDER = f"{LABEL}.platform", f"{LABEL}.user", f"{LABEL}.folder"
WORD = f"{LABEL}.home"
"""Label with a word that one home alone has, whatever its volume is called."""

OWN = f"{LABEL}.backup"
"""Label of the volume with the key of the backups, which is in none of them."""

HUB, HOME, SHARED, SPACES = "hub", "home", "shared", "spaces"

COMPOSE = "com.docker.compose.volume"

Volume = dict[str, Any]
"""`name`, `kind`, `person` (empty for what is nobody's), `labels`."""


def of_platform(listing: Iterable[Mapping[str, Any]], project: str, data: str) -> list[Volume]:
    """The volumes to back up, the homes first: the hub's volume, what the hub made, and MLflow's.

    What else Compose made is not among them: the engine's socket and the proxy's token come anew.
    """
    found = []
    for record in listing:
        labels = dict(record["Labels"] or {})
        if record["Name"] == data:
            found.append({"name": data, "kind": HUB, "person": "", "labels": labels})
        elif (
            labels.get(PLATFORM) == project
            and OWN not in labels
            and labels.get(COMPOSE) in (None, "tracking")
        ):
            kind = SPACES if COMPOSE in labels else SHARED if FOLDER in labels else HOME
            person = labels.get(USER, "")
            found.append({"name": record["Name"], "kind": kind, "person": person, "labels": labels})
    return sorted(found, key=lambda one: (one["kind"] == HUB, one["name"]))


def tags(volume: Volume, run: str, *more: str) -> list[str]:
    """The tags of a snapshot of this volume that the backup called `run` makes."""
    own = {
        "run": run,
        "kind": volume["kind"],
        "volume": volume["name"],
        **({"person": volume["person"]} if volume["person"] else {}),
        **{f"label:{key}": value for key, value in volume["labels"].items()},
    }
    return [*(f"{quote(key)}={quote(value, safe='')}" for key, value in own.items()), *more]


WHOLE, PART = "whole", "part"
"""Tags of a snapshot by what its run was asked for: everything, or the hub or some people alone."""

INCOMPLETE = "incomplete"
"""Tag of a snapshot that lacks files which could not be read."""


def described(snapshot: Mapping[str, Any]) -> dict[str, Any]:
    """What a snapshot of restic's list is of."""
    pairs = [tag.partition("=") for tag in snapshot.get("tags") or ()]
    said = {unquote(key): unquote(value) for key, equals, value in pairs if equals}
    return {
        "id": snapshot["id"],
        "time": snapshot["time"],
        "platform": snapshot["hostname"],
        **{key: said.get(key, "") for key in ("run", "kind", "volume", "person")},
        "whole": WHOLE in (snapshot.get("tags") or ()),
        "complete": INCOMPLETE not in (snapshot.get("tags") or ()),
        "labels": {
            key.removeprefix("label:"): value
            for key, value in said.items()
            if key.startswith("label:")
        },
    }
