"""The packages of two releases of an image compared, by the lock files at their tags."""

from pathlib import Path

from jhub_docker.catalog import packages as catalogs
from jhub_docker.catalog.version import Version
from jhub_docker.errors import UsageError
from jhub_docker.locks import declared
from jhub_docker.release import history
from jhub_docker.table import counted


def compare(root: Path, image: str, before: str, after: str) -> str:
    """What was added, removed or changed between two releases, direct packages first, in words.

    Raises UsageError for a version that has no tag.
    """
    known, found, lines = history.versions(root, image), [], []
    for version in map(Version.parse, (before, after)):
        if version not in known:
            there = ", ".join(map(str, known)) or "none"
            raise UsageError(f"{image} {version} was not released here; releases are: {there}")
        with history.packages_at(root, history.tag_name(image, version)) as folder:
            found.append(declared.of(catalogs.load(folder), image))
        lines.append(f"{image} {version}: {counted(len(found[-1].versions), 'package')}")
    changes = declared.changes(*found)
    same = len(found[1].versions) - sum(one.after is not None for one in changes)
    lines += [*(f"  {one}" for one in changes), f"{len(changes)} changed, {same} the same"]
    return "\n".join([*lines, "by the lock files, which know no versions of Debian's packages"])
