"""Whether all that the lock files pin can be installed on a platform, told without installing it.

uv and npm lock for all platforms at once and notice only in a build that one of them has nothing to
offer for arm64. Pure but for the reading of lock files. What it cannot see is what a Node package
locks itself (code-server's `npm-shrinkwrap.json`) and what a source archive needs to be built.
"""

import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from packaging.specifiers import SpecifierSet
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from jhub_docker.catalog import ImageSpec, requires_python
from jhub_docker.errors import UsageError
from jhub_docker.locks import locked as lock

GLIBC = (2, 36)
"""That of Debian 12, the oldest that images stand on: newer `manylinux` wheels do not run there."""

_NODE_CPUS = {"linux/amd64": "x64", "linux/arm64": "arm64"}
"""What npm calls the processors (`process.arch`)."""


@dataclass(frozen=True)
class Lack:
    """A locked package that a platform has no ready archive of.

    `source` says that it can be built from its source archive; without it, it cannot be installed.
    """

    image: str
    platform: str
    package: str
    source: bool

    def __str__(self) -> str:
        """E.g. `uv-lab: thing 1.0 has only a source archive for linux/arm64`."""
        what = "has only a source archive" if self.source else "has nothing to install"
        return f"{self.image}: {self.package} {what} for {self.platform}"


def require(specs: Iterable[ImageSpec]) -> list[Lack]:
    """The packages that have to be built from source; raises UsageError for what nobody can."""
    found = [lack for spec in specs for lack in lacks(spec)]
    if missing := [str(lack) for lack in found if not lack.source]:
        raise UsageError(
            "; ".join(missing) + ": lock another version (./dev invoke lock), or declare the "
            "platforms that remain (`platforms` in the pyproject.toml of the image)"
        )
    return found


def lacks(spec: ImageSpec) -> list[Lack]:
    """The locked packages of an image that some platform it is declared for has no archive of."""
    found: list[Lack] = []
    python, node = spec.folder / "uv.lock", spec.folder / "package-lock.json"
    for platform in spec.platforms:
        if python.exists():
            locked = tomllib.loads(python.read_text(encoding="utf-8"))
            minor = oldest_python(requires_python(spec))
            found += [
                Lack(spec.name, platform, name, source)
                for name, source in python_lacks(locked, minor, platform).items()
            ]
        if node.exists():
            packages = json.loads(node.read_text(encoding="utf-8")).get("packages", {})
            found += [
                Lack(spec.name, platform, name, source=False)
                for name in node_lacks(packages, platform)
            ]
    return found


def oldest_python(required: str) -> str:
    """The oldest Python that a package allows, e.g. `3.11`: images have that one."""
    allowed = SpecifierSet(required)
    return next((f"3.{n}" for n in range(11, 30) if allowed.contains(f"3.{n}.99")), "3.11")


def python_lacks(locked: Mapping[str, Any], python: str, platform: str) -> dict[str, bool]:
    """The packages of a uv.lock without a wheel for the platform: whether they have a source.

    `python` is a minor version; packages that only another platform or Python needs do not count.
    """
    needed = {
        (package.name, package.version)
        for patch in (0, 99)  # markers tell releases of one minor version apart
        for package in lock.resolve(locked, f"{python}.{patch}", platform).values()
    }
    usable = tags(python, platform)
    found = {}
    for entry in locked.get("package", ()):
        name, version = entry["name"], entry.get("version", "")
        if (name, version) in needed and not any(
            usable & _wheel_tags(wheel["url"]) for wheel in entry.get("wheels", ())
        ):
            found[f"{name} {version}"] = "sdist" in entry
    return found


@cache
def tags(python: str, platform: str) -> frozenset[Tag]:
    """The wheel tags that CPython of a minor version takes on a platform (PEP 425 and 600)."""
    machine = lock.machine(platform)
    major, minor = GLIBC
    oldest = 5 if machine == "x86_64" else 17  # PEP 600: older ones exist for x86 alone
    platforms = [f"manylinux_{major}_{n}_{machine}" for n in range(minor, oldest - 1, -1)]
    platforms += [f"manylinux2014_{machine}", f"linux_{machine}"]
    if machine == "x86_64":
        platforms += [f"manylinux2010_{machine}", f"manylinux1_{machine}"]
    version = tuple(int(part) for part in python.split("."))
    interpreter = f"cp{python.replace('.', '')}"
    return frozenset(
        [
            *cpython_tags(version, [interpreter], platforms),
            *compatible_tags(version, interpreter, platforms),
        ]
    )


def node_lacks(packages: Mapping[str, Any], platform: str) -> list[str]:
    """The packages of a package-lock.json (version 3) that have nothing for the platform.

    Those that are needed and exclude it, and those whose programs come as optional packages, one
    for each platform, with none for this one.
    """
    found = []
    for path, entry in packages.items():
        name = f"{path.rpartition('node_modules/')[2]} {entry.get('version', '')}"
        if path and not entry.get("optional") and not _suits(entry, platform):
            found.append(name)
        parts = [packages[p] for p in _parts(path, entry, packages)]
        chosen_by_platform = [part for part in parts if part.get("cpu")]
        others = [p for p in _NODE_CPUS if any(_suits(part, p) for part in chosen_by_platform)]
        if others and platform not in others:
            found.append(name)
    return found


def _parts(path: str, entry: Mapping[str, Any], packages: Mapping[str, Any]) -> Iterator[str]:
    """Where a package's optional dependencies are: below it, or beside what it is in."""
    for name in entry.get("optionalDependencies", ()):
        folders = [path]
        while folders[-1]:
            folders.append(folders[-1].rpartition("node_modules/")[0].rstrip("/"))
        places = [f"{folder}/node_modules/{name}".lstrip("/") for folder in folders]
        yield from [place for place in places if place in packages][:1]


def _suits(entry: Mapping[str, Any], platform: str) -> bool:
    return (
        _allows(entry.get("os", ()), "linux")
        and _allows(entry.get("cpu", ()), _NODE_CPUS[platform])
        and _allows(entry.get("libc", ()), "glibc")
    )


def _allows(listed: Iterable[str], value: str) -> bool:
    """npm's rule for `os`, `cpu` and `libc`: those named, or all but those with a `!`."""
    listed = list(listed)
    named = [one for one in listed if not one.startswith("!")]
    return f"!{value}" not in listed and (not named or value in named)


def _wheel_tags(url: str) -> frozenset[Tag]:
    try:
        return parse_wheel_filename(url.rpartition("/")[2])[3]
    except InvalidWheelFilename:
        return frozenset()
