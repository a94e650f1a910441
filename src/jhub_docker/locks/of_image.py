"""The locks an image was made from: its own, and those of all it is built from."""

from dataclasses import dataclass, field
from pathlib import Path

from jhub_docker.catalog import Catalog
from jhub_docker.locks import package_lock, uv_lock
from jhub_docker.locks.uv_lock import UvLock


@dataclass(frozen=True)
class Locks:
    """`environment` is the folder of the Python environment that holds what `own` says."""

    environment: str = ""
    own: UvLock = field(default_factory=UvLock)


def files(catalog: Catalog, image: str) -> dict[str, Path]:
    """The lock files of an image and its parents, by their path in the checkout."""
    return {
        f"packages/{spec.name}/{name}": spec.folder / name
        for spec in catalog.closure([image])
        for name in (uv_lock.NAME, package_lock.NAME)
        if (spec.folder / name).is_file()
    }


def read(catalog: Catalog, image: str) -> Locks:
    """The lock of an image's own, from the checkout that the catalog was read from."""
    spec = catalog[image]
    return Locks(spec.environment, uv_lock.read(spec.folder / uv_lock.NAME))
