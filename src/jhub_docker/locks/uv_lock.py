"""uv's `uv.lock` (version 1) as typed values; what it means on a platform is told by `resolve`."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from jhub_docker.errors import UsageError

NAME = "uv.lock"


@dataclass(frozen=True)
class Need:
    """A package that another asks for. `version` is said where the lock has several of them."""

    name: str
    version: str
    marker: str
    extras: tuple[str, ...]


@dataclass(frozen=True)
class LockedPackage:
    """A package of a lock, or the `project` that it is of.

    `index` is the address of the index it comes from, empty for one from elsewhere.
    """

    name: str
    version: str
    index: str
    project: bool
    needs: tuple[Need, ...]
    extras: Mapping[str, tuple[Need, ...]]


@dataclass(frozen=True)
class UvLock:
    """All that a lock pins, for all platforms at once."""

    packages: tuple[LockedPackage, ...] = field(default=())

    @cached_property
    def project(self) -> LockedPackage | None:
        """The project the lock is of."""
        return next((one for one in self.packages if one.project), None)

    @property
    def versions(self) -> dict[str, str]:
        """The version of each package by name, the project itself left out."""
        return {one.name: one.version for one in self.packages if not one.project}

    @property
    def direct(self) -> set[str]:
        """The packages that the project asks for itself."""
        return {need.name for need in self.project.needs} if self.project else set()

    def find(self, need: Need) -> LockedPackage:
        """The package that is meant."""
        named = [one for one in self.packages if one.name == need.name]
        return next((one for one in named if need.version in ("", one.version)), named[0])


def read(file: Path) -> UvLock:
    """Read a lock; one that is not there pins nothing. Raises UsageError for what is no lock."""
    try:
        return parse(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return UvLock()
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{file} is not a lock that uv wrote ({error}); remove it and make it anew with "
            "./dev invoke lock"
        ) from None


def parse(text: str) -> UvLock:
    """Read the text of a lock. Raises what tomllib and a wrong form raise for another."""
    return UvLock(tuple(map(_package, tomllib.loads(text).get("package", ()))))


def _package(entry: Mapping[str, Any]) -> LockedPackage:
    extras, source = entry.get("optional-dependencies", {}), entry["source"]
    return LockedPackage(
        name=entry["name"],
        version=entry.get("version", ""),
        index=source.get("registry", ""),
        project="." in (source.get("virtual"), source.get("editable")),
        needs=tuple(map(_need, entry.get("dependencies", ()))),
        extras={extra: tuple(map(_need, needs)) for extra, needs in extras.items()},
    )


def _need(entry: Mapping[str, Any]) -> Need:
    return Need(
        entry["name"],
        entry.get("version", ""),
        entry.get("marker", ""),
        tuple(entry.get("extra", ())),
    )
