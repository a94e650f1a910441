"""Whether a package's Dockerfile is there, and is built from nothing that is not declared."""

import re
from collections.abc import Collection, Iterable
from pathlib import Path

from jhub_docker.errors import UsageError

_FROM = re.compile(r"^FROM\s+([\w-]+)|\bfrom=([\w-]+)", re.MULTILINE)


def require(folder: Path, parents: Collection[str], known: Iterable[str]) -> None:
    """Raise UsageError for a missing Dockerfile, and for a package it needs but does not declare.

    The builder would look for an image of that name in a public registry.
    """
    name, file = folder.name, folder / "Dockerfile"
    if not file.exists():
        raise UsageError(f"{name}: {file} is missing; every image package has one")
    text = file.read_text(encoding="utf-8")
    needed = {one or other for one, other in _FROM.findall(text)}
    for package in sorted(needed & set(known) - {"base", *parents}):  # `base` is whichever it is
        raise UsageError(
            f"{name}: its Dockerfile needs {package}; add it to `uses` in its pyproject.toml, "
            f'such as uses = ["{package}"]'
        )
