"""The catalog: what `packages/*/pyproject.toml` declare, as `ImageSpec`s ordered by base.

Everything else (build plan, tags, labels, tests, the hub's profiles, tables in the
documentation) is derived from here. This module reads files and decides nothing about builds.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from jhub_docker.catalog import dockerfile
from jhub_docker.catalog import fields as declaration
from jhub_docker.catalog.fields import Budget, Profile
from jhub_docker.errors import UsageError

ROOT_FILE_SYSTEM = "debian"
"""The `base` of a package that starts from a root file system made by debootstrap."""

HUB = "hub"
"""The package of the hub, whose JupyterHub the servers' has to go with."""

LANES = ("bookworm", "trixie")
"""The Debian releases the images can be built on; the first is the default."""

PLATFORMS = ("linux/amd64", "linux/arm64")
"""What images are made for, unless their package declares fewer or inherits fewer from its base."""


@dataclass(frozen=True)
class ImageSpec:
    """One image package: a folder below `packages/` and what its pyproject.toml says."""

    name: str
    folder: Path
    repository: str
    version: str
    description: str
    base: str
    license: str | None = None
    uses: tuple[str, ...] = ()
    platforms: tuple[str, ...] = PLATFORMS
    public: Mapping[str, str] = field(default_factory=dict)
    publish: bool = True
    title: str | None = None
    port: int | None = None
    probe: str | None = None
    routes: tuple[str, ...] = ()
    """First parts of the paths that its server answers beside Jupyter's own: `probe`'s, those that
    it declares and those of its base. No other server of a person can be called so."""
    environment: str = "/opt/venv"
    jupyterhub: str | None = None
    """JupyterHub's version in the image, from the nearest uv.lock of its lineage that has it."""
    tags: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    budget: Budget | None = None

    @property
    def parents(self) -> tuple[str, ...]:
        """The packages this one is built from: its base first, then the contexts it uses."""
        own = () if self.base == ROOT_FILE_SYSTEM else (self.base,)
        return (*own, *self.uses)

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
                f"there is no image called {name!r}; {declaration.suggest(name, self.specs)}"
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
    """Read every `<packages>/*/pyproject.toml` that has a `[tool.jhub-docker]` table.

    Raises UsageError naming the package and the field for anything that cannot be used: TOML that
    does not parse, a missing or unknown field, a base nobody provides, bases in a circle.
    """
    folders = sorted({path.parent for path in packages.glob("*/*") if path.name in _MARKS})
    tables = {folder.name: _read(folder / "pyproject.toml") for folder in folders}
    for name, table in tables.items():
        if not isinstance(_tool(table).get("jhub-docker"), dict):
            raise UsageError(
                f"{name}: pyproject.toml has no [tool.jhub-docker] table; every folder with a "
                "Dockerfile or a pyproject.toml below packages/ is an image and needs one"
            )
    if not tables:
        raise UsageError(f"no image package found in {packages}/*/pyproject.toml")
    graph = {name: _parents(name, table, tables) for name, table in tables.items()}
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
        dockerfile.require(packages / name, graph[name], tables)
        spec = _spec(name, packages / name, tables[name], specs)
        if other := next((o for o in specs.values() if o.repository == spec.repository), None):
            raise declaration.wrong(
                name, "image", spec.repository, f"another than {other.name} has"
            )
        specs[name] = spec
    return Catalog(specs)


def requires_python(spec: ImageSpec) -> str:
    """The versions of Python a package asks for (PEP 621); none where it does not say."""
    project = _read(spec.folder / "pyproject.toml").get("project", {})
    return str(project.get("requires-python", ""))


_MARKS = ("Dockerfile", "pyproject.toml")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
_INHERITED_FIELDS = ("port", "profiles")


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(
            f"{path.parent.name}: {path} is missing; every image package has one"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path.parent.name}: {path} is not valid TOML: {error}") from None


def _tool(table: Mapping[str, Any]) -> Mapping[str, Any]:
    tool = table.get("tool", {})
    return tool if isinstance(tool, dict) else {}


def _parents(name: str, table: Mapping[str, Any], known: Mapping[str, Any]) -> list[str]:
    own = _tool(table)["jhub-docker"]
    named = declaration.needed(name, own, "base"), *declaration.field(name, own, "uses", ())
    parents = [parent for parent in named if parent != ROOT_FILE_SYSTEM]
    for parent in parents:
        if parent not in known:
            raise UsageError(
                f"{name}: it is built from {parent!r}, which is no image package; "
                f"{declaration.suggest(parent, known)}"
            )
    return parents


def _spec(
    name: str, folder: Path, table: Mapping[str, Any], bases: Mapping[str, ImageSpec]
) -> ImageSpec:
    project, own = declaration.field(name, table, "project", {}), _tool(table)["jhub-docker"]
    for key in own:
        if key not in declaration.OWN:
            raise UsageError(
                f"{name}: [tool.jhub-docker] has an unknown field {key!r}; "
                f"{declaration.suggest(key, declaration.OWN)}"
            )
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name}: images and profiles are called as the folder in packages/ is; expected "
            "lower-case letters, digits and dashes"
        )
    if declaration.needed(name, project, "name") != name:
        raise declaration.wrong(name, "name", project["name"], f"{name!r}, the folder's name")
    base = bases.get(own["base"])
    inherited = {key: getattr(base, key) for key in _INHERITED_FIELDS if base is not None}
    license_, budget = project.get("license"), declaration.field(name, own, "budget")
    probe = declaration.field(name, own, "probe")
    routes = {*declaration.field(name, own, "routes", ()), *(base.routes if base else ())}
    routes |= {(probe or "/").split("/")[1]} - {""}
    return ImageSpec(
        name=name,
        folder=folder,
        repository=declaration.field(name, own, "image", f"local/{name}"),
        version=declaration.needed(name, project, "version"),
        description=declaration.needed(name, project, "description"),
        license=license_ if isinstance(license_, str) else None,
        base=own["base"],
        uses=tuple(own.get("uses", ())),
        platforms=_platforms(name, own, bases),
        public=declaration.public(name, own, LANES),
        publish=declaration.field(name, own, "publish", True),
        title=declaration.field(name, own, "title"),
        port=declaration.field(name, own, "port") or inherited.get("port"),
        probe=probe,
        routes=tuple(sorted(routes)),
        environment=declaration.field(name, own, "environment", "/opt/venv"),
        jupyterhub=_locked_jupyterhub(folder) or (base.jupyterhub if base else None),
        tags=declaration.tags(name, own),
        profiles=declaration.profiles(name, own) or inherited.get("profiles") or {},
        budget=Budget(**budget) if budget else None,
    )


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


def _platforms(
    name: str, own: Mapping[str, Any], bases: Mapping[str, ImageSpec]
) -> tuple[str, ...]:
    """The platforms a package declares, or else all that what it is built from is there for."""
    parents = [bases[one] for one in (own["base"], *own.get("uses", ())) if one in bases]
    possible = [p for p in PLATFORMS if all(p in parent.platforms for parent in parents)]
    value = own.get("platforms", possible)
    if not isinstance(value, list) or not value or not all(one in possible for one in value):
        above = f", which {' and '.join(one.name for one in parents)} have too" if parents else ""
        raise declaration.wrong(name, "platforms", value, f"a list of {', '.join(possible)}{above}")
    return tuple(one for one in possible if one in value)
