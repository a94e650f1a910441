"""Whether all that a uv.lock pins can be installed on a platform, told without installing it.

uv locks for all platforms at once and notices only in a build that one of them has nothing to offer
for arm64. Pure but for the reading of lock files. What it cannot see is what a source archive needs
to be built, and Node's packages: those of the images say nothing of platforms in their locks, and
npm refuses one that excludes its own (EBADPLATFORM).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from packaging.specifiers import SpecifierSet

from jhub_docker.catalog import ImageSpec, requires_python
from jhub_docker.errors import UsageError
from jhub_docker.locks import resolve, uv_lock
from jhub_docker.locks.uv_lock import UvLock


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
    python = uv_lock.read(spec.folder / uv_lock.NAME)
    minor = oldest_python(requires_python(spec))
    return [
        Lack(spec.name, platform, name, source)
        for platform in spec.platforms
        for name, source in python_lacks(python, minor, platform).items()
    ]


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
