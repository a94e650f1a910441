"""The catalog: what `packages/*/pyproject.toml` declare, as `ImageSpec`s ordered by base.

Everything else (build plan, tags, labels, tests, the hub's profiles, tables in the
documentation) is derived from here. This module reads files and decides nothing about builds.
"""

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from jhub_docker.errors import UsageError

ROOT_FILE_SYSTEM = "debian"
"""The `base` of a package that starts from a root file system made by debootstrap."""

LANES = ("bookworm", "trixie")
"""The Debian releases the images can be built on; the first is the default."""

PLATFORMS = ("linux/amd64", "linux/arm64")
"""What images are made for, unless their package declares fewer or inherits fewer from its base."""


@dataclass(frozen=True)
class Profile:
    """A size a person can choose for their server.

    `cpu_guarantee` and `cpu_limit` are numbers of CPUs (no limit: None), `mem_limit` is a number
    of bytes with one of the suffixes K, M, G, T, as JupyterHub's `Spawner.mem_limit` takes it.
    `sudo` lets the person become root inside their own container.
    """

    mem_limit: str
    cpu_guarantee: float | None = None
    cpu_limit: float | None = None
    sudo: bool = False


@dataclass(frozen=True)
class Budget:
    """How large a released image may be, above the public base or its stand-in.

    `size` and `compressed` are MB (10^6 bytes) of its layers as they are and as they are pushed,
    `layers` is their number. More than `tolerance` percent above fails a release; one more layer
    than allowed does so always.
    """

    size: int
    compressed: int
    layers: int
    tolerance: int = 5


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
                f"there is no image called {name!r}; {_suggest(name, self.specs)}"
            ) from None

    @cached_property
    def published(self) -> tuple[ImageSpec, ...]:
        """The images people run and maintainers release."""
        return tuple(spec for spec in self.specs.values() if spec.publish)

    @property
    def singleuser(self) -> tuple[ImageSpec, ...]:
        """The published images the hub can start for a person."""
        return tuple(spec for spec in self.published if spec.profiles)

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
        specs[name] = _spec(name, packages / name, tables[name], specs)
    return Catalog(specs)


def requires_python(spec: ImageSpec) -> str:
    """The versions of Python a package asks for (PEP 621); none where it does not say."""
    project = _read(spec.folder / "pyproject.toml").get("project", {})
    return str(project.get("requires-python", ""))


_MARKS = ("Dockerfile", "pyproject.toml")
_OWN_FIELDS = {
    "base",
    "budget",
    "environment",
    "image",
    "platforms",
    "port",
    "probe",
    "profiles",
    "public",
    "publish",
    "tags",
    "title",
    "uses",
}
_INHERITED_FIELDS = ("port", "profiles")
_PROFILE_FIELDS = {"cpu_guarantee", "cpu_limit", "mem_limit", "sudo"}


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
    base = _text(name, own, "base")
    uses = own.get("uses", [])
    if not isinstance(uses, list) or not all(isinstance(item, str) for item in uses):
        raise _wrong(name, "uses", uses, "a list of package names")
    parents = [parent for parent in [base, *uses] if parent != ROOT_FILE_SYSTEM]
    for parent in parents:
        if parent not in known:
            raise UsageError(
                f"{name}: it is built from {parent!r}, which is no image package; "
                f"{_suggest(parent, known)}"
            )
    return parents


def _spec(
    name: str, folder: Path, table: Mapping[str, Any], bases: Mapping[str, ImageSpec]
) -> ImageSpec:
    project, own = table.get("project", {}), _tool(table)["jhub-docker"]
    for key in own:
        if key not in _OWN_FIELDS:
            raise UsageError(
                f"{name}: [tool.jhub-docker] has an unknown field {key!r}; "
                f"{_suggest(key, _OWN_FIELDS)}"
            )
    if not (folder / "Dockerfile").exists():
        raise UsageError(f"{name}: {folder}/Dockerfile is missing; every image package has one")
    public = own.get("public", {})
    for lane in public:
        if lane not in LANES:
            raise _wrong(name, "public", lane, f"one of {', '.join(LANES)}")
    base = bases.get(own["base"])
    inherited = {key: getattr(base, key) for key in _INHERITED_FIELDS if base is not None}
    license_ = project.get("license")
    return ImageSpec(
        name=name,
        folder=folder,
        repository=own.get("image", f"local/{name}"),
        version=_text(name, project, "version"),
        description=_text(name, project, "description"),
        license=license_ if isinstance(license_, str) else None,
        base=own["base"],
        uses=tuple(own.get("uses", ())),
        platforms=_platforms(name, own, bases),
        public=public,
        publish=own.get("publish", True),
        title=own.get("title"),
        port=_port(name, own) or inherited.get("port"),
        probe=own.get("probe"),
        environment=own.get("environment", "/opt/venv"),
        jupyterhub=_locked_jupyterhub(folder) or (base.jupyterhub if base else None),
        tags={key: _tag(name, value) for key, value in own.get("tags", {}).items()},
        profiles=_profiles(name, own) or inherited.get("profiles") or {},
        budget=_budget(name, own),
    )


_LOCKED_JUPYTERHUB = re.compile(r'^name = "jupyterhub"\nversion = "([^"]+)"', re.MULTILINE)


def _locked_jupyterhub(folder: Path) -> str | None:
    """JupyterHub's version in the package's uv.lock, None without either.

    Looked up as text: parsing every lock as TOML would take half a second of each command.
    """
    lock = folder / "uv.lock"
    found = _LOCKED_JUPYTERHUB.search(lock.read_text(encoding="utf-8")) if lock.exists() else None
    return found[1] if found else None


def _text(name: str, table: Mapping[str, Any], key: str) -> str:
    value = table.get(key)
    if not isinstance(value, str) or not value:
        raise _wrong(name, key, value, "a text")
    return value


def _port(name: str, own: Mapping[str, Any]) -> int | None:
    value = own.get("port")
    if value is None or (isinstance(value, int) and 0 < value < 65536):
        return value
    raise _wrong(name, "port", value, "a number from 1 to 65535")


def _platforms(
    name: str, own: Mapping[str, Any], bases: Mapping[str, ImageSpec]
) -> tuple[str, ...]:
    """The platforms a package declares, or else all that what it is built from is there for."""
    parents = [bases[one] for one in (own["base"], *own.get("uses", ())) if one in bases]
    possible = [p for p in PLATFORMS if all(p in parent.platforms for parent in parents)]
    value = own.get("platforms", possible)
    if not isinstance(value, list) or not value or not all(one in possible for one in value):
        above = f", which {' and '.join(one.name for one in parents)} have too" if parents else ""
        raise _wrong(name, "platforms", value, f"a list of {', '.join(possible)}{above}")
    return tuple(one for one in possible if one in value)


def _tag(name: str, value: object) -> str | tuple[str, ...]:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value and all(isinstance(word, str) for word in value):
        return tuple(value)
    raise _wrong(name, "tags", value, "a Python distribution's name or a command as a list")


def _profiles(name: str, own: Mapping[str, Any]) -> dict[str, Profile]:
    profiles = {}
    for size, table in own.get("profiles", {}).items():
        if not isinstance(table, dict) or not isinstance(table.get("mem_limit"), str):
            raise _wrong(name, f"profiles.{size}", table, 'a table with at least mem_limit = "2G"')
        if unknown := set(table) - _PROFILE_FIELDS:
            raise _wrong(name, f"profiles.{size}", sorted(unknown), f"only {_PROFILE_FIELDS}")
        profiles[size] = Profile(**table)
    return profiles


def _budget(name: str, own: Mapping[str, Any]) -> Budget | None:
    table = own.get("budget")
    if table is None:
        return None
    numbers = isinstance(table, dict) and all(
        isinstance(value, int) and value >= 0 for value in table.values()
    )
    known = {one.name for one in fields(Budget)}
    if not numbers or not known - {"tolerance"} <= set(table) <= known:
        raise _wrong(
            name, "budget", table, "size and compressed in MB, layers, and perhaps tolerance in %"
        )
    return Budget(**table)


def _wrong(name: str, key: str, value: object, expected: str) -> UsageError:
    return UsageError(
        f"{name}: pyproject.toml has {key} = {value!r}; expected {expected}"
        if value is not None
        else f"{name}: pyproject.toml lacks {key!r}; expected {expected}"
    )


def _suggest(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, list(known), n=1)
    listing = ", ".join(sorted(known))
    return f"did you mean {near[0]!r}? Known: {listing}" if near else f"known: {listing}"
