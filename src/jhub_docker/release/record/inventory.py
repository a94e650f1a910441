"""The packages really in an image, read from its layers: what is there, not what was asked for.

What none of the kinds knows is not listed: files that were copied in, libraries linked into a
program, JavaScript that was bundled into a Python wheel.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jhub_docker.locks.package import Package
from jhub_docker.oci.content import read_tree
from jhub_docker.oci.layout import Layout
from jhub_docker.release.record import debian, node, programs, python


@dataclass(frozen=True)
class Inventory:
    """`distribution` and `release` are os-release's ID and VERSION_ID, e.g. `debian` and `12`."""

    distribution: str
    release: str
    packages: tuple[Package, ...]


def take(layout: Layout, manifest: Mapping[str, Any]) -> Inventory:
    """Read the layers of an image manifest, each once. Raises ActionError for an altered one."""
    tree = read_tree(layout, manifest, _wanted)
    owned = debian.owned(tree)
    found = set(debian.packages(tree))
    for reader in (python, node, programs):
        found |= set(reader.packages(tree, owned))
    distribution, release = debian.distribution(tree)
    return Inventory(distribution, release, tuple(sorted(found)))


def _wanted(path: str) -> bool:
    return any(reader.wanted(path) for reader in (debian, python, node, programs))
