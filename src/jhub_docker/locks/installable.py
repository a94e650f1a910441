"""Whether all that the lock files pin can be installed on a platform, told without installing it.

uv and npm lock for all platforms at once and notice only in a build that one of them has nothing to
offer for arm64. Pure but for the reading of lock files. What it cannot see is what a Node package
locks itself (code-server's `npm-shrinkwrap.json`) and what a source archive needs to be built.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from packaging.specifiers import SpecifierSet

from jhub_docker.catalog import ImageSpec, requires_python
from jhub_docker.errors import UsageError
from jhub_docker.locks import package_lock, resolve, uv_lock
from jhub_docker.locks.package_lock import NodePackage, PackageLock
from jhub_docker.locks.uv_lock import UvLock

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
    python = uv_lock.read(spec.folder / uv_lock.NAME)
    node = package_lock.read(spec.folder / package_lock.NAME)
    minor = oldest_python(requires_python(spec))
    for platform in spec.platforms:
        found += [
            Lack(spec.name, platform, name, source)
            for name, source in python_lacks(python, minor, platform).items()
        ]
        found += [
            Lack(spec.name, platform, name, source=False) for name in node_lacks(node, platform)
        ]
    return found


def oldest_python(required: str) -> str:
    """The oldest Python that a package allows, e.g. `3.11`: images have that one."""
    allowed = SpecifierSet(required)
    return next((f"3.{n}" for n in range(11, 30) if allowed.contains(f"3.{n}.99")), "3.11")


def python_lacks(lock: UvLock, python: str, platform: str) -> dict[str, bool]:
    """The packages of a uv.lock without a wheel for the platform: whether they have a source.

    `python` is a minor version; packages that only another platform or Python needs do not count.
    """
    needed = {
        (locked.package.name, locked.version): locked.package
        for patch in (0, 99)  # markers tell releases of one minor version apart
        for locked in resolve.resolve(lock, f"{python}.{patch}", platform).values()
    }
    usable = resolve.usable_tags(python, platform)
    return {
        f"{name} {version}": package.source is not None
        for (name, version), package in sorted(needed.items())
        if not any(usable & resolve.wheel_tags(wheel.name) for wheel in package.wheels)
    }


def node_lacks(lock: PackageLock, platform: str) -> list[str]:
    """The packages of a package-lock.json that have nothing for the platform.

    Those that are needed and exclude it, and those whose programs come as optional packages, one
    for each platform, with none for this one.
    """
    found = []
    for path, package in lock.packages.items():
        name = f"{package.name} {package.version}"
        if not package.optional and not _suits(package, platform):
            found.append(name)
        parts = [part for part in _parts(path, lock) if part.cpu]
        others = [p for p in _NODE_CPUS if any(_suits(part, p) for part in parts)]
        if others and platform not in others:
            found.append(name)
    return found


def _parts(path: str, lock: PackageLock) -> Iterator[NodePackage]:
    """A package's optional dependencies: they are below it, or beside what it is in."""
    for name in lock.packages[path].parts:
        folders = [path]
        while folders[-1]:
            folders.append(folders[-1].rpartition("node_modules/")[0].rstrip("/"))
        places = [f"{folder}/node_modules/{name}".lstrip("/") for folder in folders]
        yield from [lock.packages[place] for place in places if place in lock.packages][:1]


def _suits(package: NodePackage, platform: str) -> bool:
    return (
        _allows(package.os, "linux")
        and _allows(package.cpu, _NODE_CPUS[platform])
        and _allows(package.libc, "glibc")
    )


def _allows(listed: Iterable[str], value: str) -> bool:
    """npm's rule for `os`, `cpu` and `libc`: those named, or all but those with a `!`."""
    listed = list(listed)
    named = [one for one in listed if not one.startswith("!")]
    return f"!{value}" not in listed and (not named or value in named)
