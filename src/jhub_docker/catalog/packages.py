"""The catalog: what `packages/*/pyproject.toml` declare, as `ImageSpec`s ordered by base.

Everything else (build plan, tags, labels, tests, the hub's profiles, tables in the
documentation) is derived from here. This module reads files and decides nothing about builds.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import msgspec

from jhub_docker.catalog import dockerfile
from jhub_docker.catalog.fields import (
    PLATFORMS,
    ROOT_FILE_SYSTEM,
    Declared,
    Pyproject,
    suggest,
)
from jhub_docker.errors import UsageError

HUB = "hub"
"""The package of the hub, whose JupyterHub the servers' has to go with."""


class ImageSpec(Declared, frozen=True, kw_only=True):
    """One image package: a folder below `packages/` and what its pyproject.toml says.

    What it has of its base, and what it is called where it does not say so, is filled in.
    """

    name: str
    folder: Path
    version: str = ""
    description: str = ""
    license: str | None = None
    requires_python: str = ""
    dependencies: tuple[str, ...] = ()
    jupyterhub: str | None = None
    """JupyterHub's version in the image, from the nearest uv.lock of its lineage that has it."""

    @property
    def has_lock(self) -> bool:
        """Whether the package is a uv project with dependencies of its own."""
        return (self.folder / "uv.lock").exists()


@dataclass(frozen=True)
class Catalog:
    """All image packages, parents before children."""

    specs: Mapping[str, ImageSpec]

    def __getitem__(self, name: str) -> ImageSpec:
        """The package called `name`; raises UsageError with the nearest names."""
        try:
            return self.specs[name]
        except KeyError:
            raise UsageError(
                f"there is no image called {name!r}; {suggest(name, self.specs)}"
            ) from None

    @cached_property
    def published(self) -> tuple[ImageSpec, ...]:
        """The images people run and maintainers release."""
        return tuple(spec for spec in self.specs.values() if spec.publish)

    @property
    def singleuser(self) -> tuple[ImageSpec, ...]:
        """The published images the hub can start for a person."""
        return tuple(spec for spec in self.published if spec.profiles)

    @property
    def apart(self) -> tuple[ImageSpec, ...]:
        """The servers that the hub would not offer, and that a release refuses.

        Their JupyterHub has another major version than the hub's, or they have none. That is
        JupyterHub's own rule (6.1, _version.py, `_check_version`), and all that has to agree: what
        else is in an image meets the hub's and other images' nowhere.
        """
        hub = self.specs.get(HUB)
        wanted = _major(hub.jupyterhub) if hub else None
        return tuple(one for one in self.singleuser if wanted and _major(one.jupyterhub) != wanted)

    def select(self, names: Iterable[str] = ()) -> tuple[ImageSpec, ...]:
        """The named packages, or all published ones; raises UsageError for an unknown name."""
        wanted = [self[name].name for name in names]
        if not wanted:
            return self.published
        return tuple(spec for spec in self.specs.values() if spec.name in wanted)

    def closure(self, names: Iterable[str], given: Iterable[str] = ()) -> tuple[ImageSpec, ...]:
        """The named packages and all they are built from; what is `given` needs no parents."""
        stop, seen, queue = set(given), set(), list(names)
        while queue:
            name = queue.pop()
            if name not in seen:
                seen.add(name)
                queue += [] if name in stop else self[name].parents
        return tuple(spec for spec in self.specs.values() if spec.name in seen)

    def lineage(self, name: str) -> tuple[ImageSpec, ...]:
        """The image and the bases it stands on, nearest first."""
        chain = [self[name]]
        while chain[-1].base != ROOT_FILE_SYSTEM:
            chain.append(self[chain[-1].base])
        return tuple(chain)


def load(packages: Path) -> Catalog:
    """Read every `<packages>/*/pyproject.toml`; each has a `[tool.jhub-docker]` table.

    Raises UsageError naming the package and the field for anything that cannot be used: TOML that
    does not parse, a missing or unknown field, a base nobody provides, bases in a circle.
    """
    folders = sorted({path.parent for path in packages.glob("*/*") if path.name in _MARKS})
    declared = {folder.name: _read(folder) for folder in folders}
    if not declared:
        raise UsageError(f"no image package found in {packages}/*/pyproject.toml")
    graph = {name: one.tool.jhub_docker.parents for name, one in declared.items()}
    for name, parent in ((name, one) for name, parents in graph.items() for one in parents):
        if parent not in declared:
            raise UsageError(
                f"{name}: it is built from {parent!r}, which is no image package; "
                f"{suggest(parent, declared)}"
            )
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        circle = " -> ".join(reversed(error.args[1]))
        raise UsageError(
            f"these image packages are built from each other in a circle: {circle}; "
            "change `base` or `uses` in one of their pyproject.toml"
        ) from None
    specs: dict[str, ImageSpec] = {}
    for name in order:
        dockerfile.require(packages / name, graph[name])
        spec = _spec(packages / name, declared[name], specs)
        if other := next((o for o in specs.values() if o.repository == spec.repository), None):
            raise _wrong(name, "image", spec.repository, f"another than {other.name} has")
        specs[name] = spec
    return Catalog(specs)


_MARKS = ("Dockerfile", "pyproject.toml")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")


def _read(folder: Path) -> Pyproject:
    path = folder / "pyproject.toml"
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Pyproject)
    except FileNotFoundError:
        raise UsageError(f"{folder.name}: {path} is missing; every image package has one") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{folder.name}: {path} is not valid TOML: {error}") from None
    except msgspec.ValidationError as error:
        told = str(error).replace("`$.", "`")
        raise UsageError(
            f'{folder.name}: {path}: {told}; CONTRIBUTING.md, "Add an image", has what may be there'
        ) from None


def _wrong(name: str, key: str, value: object, expected: str) -> UsageError:
    return UsageError(f"{name}: pyproject.toml has {key} = {value!r}; expected {expected}")


def _spec(folder: Path, read: Pyproject, specs: Mapping[str, ImageSpec]) -> ImageSpec:
    name, project, own = folder.name, read.project, read.tool.jhub_docker
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name}: images and profiles are called as the folder in packages/ is; expected "
            "lower-case letters, digits and dashes"
        )
    if project.name != name:
        raise _wrong(name, "name", project.name, f"{name!r}, the folder's name")
    base = specs.get(own.base)
    parents = [specs[one] for one in own.parents]
    possible = [one for one in PLATFORMS if all(one in parent.platforms for parent in parents)]
    if not set(own.platforms) <= set(possible):
        above = f", which {' and '.join(one.name for one in parents)} have too" if parents else ""
        expected = f"a list of {', '.join(possible)}{above}"
        raise _wrong(name, "platforms", list(own.platforms), expected)
    routes = {*own.routes, *(base.routes if base else ()), (own.probe or "/").split("/")[1]} - {""}
    filled = {
        "repository": own.repository or f"local/{name}",
        "platforms": tuple(one for one in possible if not own.platforms or one in own.platforms),
        "title": own.title or name,
        "port": own.port or (base.port if base else None),
        "routes": tuple(sorted(routes)),
        "profiles": own.profiles or (base.profiles if base else {}),
        "license": project.license if isinstance(project.license, str) else None,
        "jupyterhub": _locked_jupyterhub(folder) or (base.jupyterhub if base else None),
    }
    asdict = msgspec.structs.asdict
    return ImageSpec(folder=folder, **(asdict(project) | asdict(own) | filled))


_LOCKED_JUPYTERHUB = re.compile(r'^name = "jupyterhub"\nversion = "([^"]+)"', re.MULTILINE)


def _locked_jupyterhub(folder: Path) -> str | None:
    """JupyterHub's version in the package's uv.lock, None without either.

    Looked up as text: parsing every lock as TOML would take half a second of each command.
    """
    lock = folder / "uv.lock"
    found = _LOCKED_JUPYTERHUB.search(lock.read_text(encoding="utf-8")) if lock.exists() else None
    return found[1] if found else None


def _major(version: str | None) -> str:
    """The first number of JupyterHub's version; empty for none."""
    return (version or "").partition(".")[0]
