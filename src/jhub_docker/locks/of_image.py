"""The locks an image was made from: its own, and those of all it is built from."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from jhub_docker.catalog import Catalog
from jhub_docker.locks import package_lock, resolve, uv_lock
from jhub_docker.locks.package_lock import PackageLock
from jhub_docker.locks.uv_lock import UvLock


@dataclass(frozen=True)
class Locks:
    """`environment` is the folder of the Python environment that holds what `own` says.

    `python` and `node` are all locks, the parents' too.
    """

    environment: str = ""
    own: UvLock = field(default_factory=UvLock)
    python: tuple[UvLock, ...] = ()
    node: tuple[PackageLock, ...] = ()

    def python_hash(self, name: str, version: str, tags: Iterable[str]) -> str:
        """The SHA-256 of what a Python package was installed from; empty when no lock tells.

        That is the wheel with the tags that the installed package has, or else the source archive.
        """
        wanted = set(tags)
        for package in (one for lock in self.python for one in lock.packages):
            if (package.name, package.version) == (name, version):
                for wheel in package.wheels:
                    if {str(tag) for tag in resolve.wheel_tags(wheel.name)} == wanted:
                        return wheel.sha256
                if package.source:
                    return package.source.sha256
        return ""

    def node_hash(self, name: str, version: str) -> str:
        """The SHA-512 of a Node package's archive; empty when no lock tells."""
        found = (one for lock in self.node for one in lock.packages.values())
        return next((p.sha512 for p in found if (p.name, p.version) == (name, version)), "")


def files(catalog: Catalog, image: str) -> dict[str, Path]:
    """The lock files of an image and its parents, by their path in the checkout."""
    return {
        f"packages/{spec.name}/{name}": spec.folder / name
        for spec in catalog.closure([image])
        for name in (uv_lock.NAME, package_lock.NAME)
        if (spec.folder / name).is_file()
    }


def read(catalog: Catalog, image: str) -> Locks:
    """The locks of an image, from the checkout that the catalog was read from."""
    spec, paths = catalog[image], files(catalog, image).values()
    return Locks(
        spec.environment,
        uv_lock.read(spec.folder / uv_lock.NAME),
        tuple(uv_lock.read(path) for path in paths if path.name == uv_lock.NAME),
        tuple(package_lock.read(path) for path in paths if path.name == package_lock.NAME),
    )
