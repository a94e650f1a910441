"""uv's `uv.lock` (version 1); what it means on a platform is told by `resolve`."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from jhub_docker import locks
from jhub_docker.locks import Packages

NAME = "uv.lock"

Table = Mapping[str, Any]
"""A table of a lock as uv writes it: a package, or what another asks for."""


@dataclass(frozen=True)
class UvLock:
    """All that a lock pins, for all platforms at once; the project it is of is among them."""

    packages: tuple[Table, ...] = ()

    @cached_property
    def project(self) -> Table | None:
        """The project the lock is of."""
        here = ({"virtual": "."}, {"editable": "."})
        return next((one for one in self.packages if one["source"] in here), None)

    @property
    def pinned(self) -> Packages:
        """The packages, the project itself left out."""
        others = (one for one in self.packages if one is not self.project)
        direct = {need["name"] for need in (self.project or {}).get("dependencies", ())}
        return Packages({one["name"]: one.get("version", "") for one in others}, direct)

    def find(self, need: Table) -> Table:
        """The package that is meant; its version is said where the lock has several of them."""
        named = [one for one in self.packages if one["name"] == need["name"]]
        meant = (one for one in named if need.get("version") in (None, one.get("version")))
        return next(meant, named[0])


def read(file: Path) -> UvLock:
    """Read a lock; one that is not there pins nothing. Raises UsageError for what is no lock."""
    return locks.read(file, "uv", parse)


def parse(text: str) -> UvLock:
    """Read the text of a lock. Raises what tomllib and a wrong form raise for another."""
    lock = UvLock(tuple(tomllib.loads(text).get("package", ())))
    _ = lock.pinned  # a wrong form is found by looking
    return lock
