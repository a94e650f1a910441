"""Which published images a change touches, so that a pull request tests only those.

`python -m jhub_docker.catalog.changed BASE` prints them as a JSON list for the commits since BASE
branched off; without BASE it prints all. It judges by paths alone and never asks an engine: what
exactly is out of date is for the build plan to say (`invoke build --plan`).
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from jhub_docker import process
from jhub_docker.catalog import Catalog, load
from jhub_docker.errors import or_exit

_PAGES = ("README.md", "CHANGELOG.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "LICENSE")
"""Files that no image and no image test reads, at the root and in a package's folder."""

_DOCUMENTATION = PurePosixPath("tests/docs")


def touched(catalog: Catalog, paths: Iterable[str]) -> list[str]:
    """The published images that a change to `paths` (relative to the checkout) can touch.

    A file in a package's folder touches that image and all that are built from it. Any other file
    but documentation touches all images: the library, the locks, the sessions, `compose.yaml`.
    """
    packages: set[str] = set()
    for path in map(PurePosixPath, paths):
        in_package = len(path.parts) > 2 and path.parts[0] == "packages"
        if path.name in _PAGES and len(path.parts) == (3 if in_package else 1):
            continue
        if path.is_relative_to(_DOCUMENTATION) or (in_package and path.name == "releases.json"):
            continue
        if not in_package or path.parts[1] not in catalog.specs:
            return [spec.name for spec in catalog.published]
        packages.add(path.parts[1])
    return [
        spec.name
        for spec in catalog.published
        if packages & {ancestor.name for ancestor in catalog.closure([spec.name])}
    ]


def paths_since(root: Path, base: str) -> list[str]:
    """The files changed by the commits since `base` branched off; a moved file counts twice.

    Raises ActionError with git's words, for an unknown revision or a clone without history.
    """
    said = process.checked(
        "git", "-C", root, "diff", "--name-only", "--no-renames", "-z", f"{base}...HEAD",
        environment=process.THIS_REPOSITORY,
        failed=f"git cannot tell what changed since {base!r}; fetch that revision with its history "
        "or name another one",
    )  # fmt: skip
    return [path for path in said.split("\0") if path]


def main(arguments: list[str], root: Path) -> int:
    """Print the touched images as JSON; returns the exit code."""
    with or_exit():
        catalog = load(root / "packages")
        images = [spec.name for spec in catalog.published]
        if arguments:
            images = touched(catalog, paths_since(root, arguments[0]))
    print(json.dumps(images))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path.cwd()))
