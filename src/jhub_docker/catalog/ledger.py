"""The ledger of an image, `packages/<image>/releases.json`: what was released, for good.

Written by a release only, newest first; no build reads it. A yanked release stays in it.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import msgspec

from jhub_docker.catalog.version import Version
from jhub_docker.errors import UsageError

NAME = "releases.json"


@dataclass(frozen=True)
class Yanked:
    """When a release was taken back, and why."""

    date: str
    reason: str


@dataclass(frozen=True)
class Entry:
    """One release. `commit` is what the image was built from, `digest` its index's.

    `platforms` maps `linux/amd64` to the digest of its manifest, `left_out` those the image was
    declared for and not made for to the reason. `size` and `compressed` are bytes above the base,
    `layers` is their number, of the platform it was tested on.
    """

    commit: str
    date: str
    build_id: str
    digest: str
    platforms: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    size: int = 0
    compressed: int = 0
    layers: int = 0
    yanked: Yanked | None = None


def read(folder: Path) -> dict[str, Entry]:
    """The releases of the package in `folder` by version, newest first; none without a ledger.

    Raises UsageError for a file that is not what a release writes.
    """
    file = folder / NAME
    try:
        found = msgspec.json.decode(file.read_bytes(), type=dict[str, Entry])
        return {str(Version.parse(version)): entry for version, entry in found.items()}
    except FileNotFoundError:
        return {}
    except (msgspec.DecodeError, UsageError) as error:
        raise UsageError(
            f"{file} is not the ledger a release writes ({error}); take it back from git"
        ) from None


def write(folder: Path, entries: Mapping[str, Entry]) -> None:
    """Write the ledger in its one form, newest version first."""
    ordered = sorted(entries, key=Version.parse, reverse=True)
    value = {
        version: {
            key: item for key, item in asdict(entries[version]).items() if item not in (None, {})
        }
        for version in ordered
    }
    (folder / NAME).write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
