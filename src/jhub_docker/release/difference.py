"""The packages of two releases of an image compared, by the lock files at their tags."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from jhub_docker.catalog import packages as catalogs
from jhub_docker.catalog.version import Version
from jhub_docker.errors import UsageError
from jhub_docker.locks import declared
from jhub_docker.locks.refresh import Change
from jhub_docker.release import history
from jhub_docker.table import counted


def compare(root: Path, image: str, versions: Iterable[str]) -> dict[str, Any]:
    """What was added, removed or changed between two releases, direct packages first.

    Raises UsageError for a version that has no tag.
    """
    known, found = history.versions(root, image), []
    for version in map(Version.parse, versions):
        if version not in known:
            there = ", ".join(map(str, known)) or "none"
            raise UsageError(f"{image} {version} was not released here; releases are: {there}")
        with history.packages_at(root, history.tag_name(image, version)) as folder:
            found.append((str(version), declared.of(catalogs.load(folder), image)))
    (_, before), (_, after) = found
    changes = declared.changes(before, after)
    return {
        "image": image,
        "packages": {version: len(one.versions) for version, one in found},
        "unchanged": len(after.versions) - sum(one.after is not None for one in changes),
        "changed": [asdict(one) for one in changes],
    }


def text(found: Mapping[str, Any]) -> str:
    """What `compare` found. Pure."""
    image, counts, changed = found["image"], found["packages"].items(), found["changed"]
    lines = [f"{image} {version}: {counted(count, 'package')}" for version, count in counts]
    lines += [f"  {Change(**one)}" for one in changed]
    lines.append(f"{len(changed)} changed, {found['unchanged']} the same")
    return "\n".join([*lines, "by the lock files, which know no versions of Debian's packages"])
