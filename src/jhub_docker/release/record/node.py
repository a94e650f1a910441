"""Node packages of an image (npm's `package.json`), and the editor's extensions."""

import json
import posixpath
import re
from collections.abc import Iterator, Set
from typing import Any

from jhub_docker.locks.package import EDITOR, NODE, Package
from jhub_docker.oci.content import Tree

# Only what npm installed has the name of its folder; others are parts of a package.
_INSTALLED = re.compile(r"(?:.+/)?node_modules/((?:@[^/]+/)?[^/@.][^/]*)/package\.json")
_CODE_SERVER = re.compile(r"(?:.+/)?code-server/package\.json")
_EXTENSION = re.compile(r"(?:.+/)?extensions/[^/]+/package\.json")
_BUILT_IN = {"vscode", "jhub-docker"}
"""Publishers of extensions that are a part of code-server, or of the image itself."""


def wanted(path: str) -> bool:
    """Whether a file has to be read."""
    return path.endswith("/package.json") and any(
        pattern.fullmatch(path) for pattern in (_INSTALLED, _CODE_SERVER, _EXTENSION)
    )


def packages(tree: Tree, owned: Set[str]) -> Iterator[Package]:
    """What npm installed, code-server itself, and extensions of others."""
    found: dict[str, Package] = {}
    for path, data in tree.contents.items():
        if path in owned or not wanted(path):
            continue
        try:
            value = json.loads(data)
        except ValueError:
            continue
        if isinstance(value, dict) and (package := _package(path, value)):
            found[posixpath.dirname(path)] = package
    sizes = _sizes(tree, found.keys())
    for folder, package in found.items():
        yield Package(**{**vars(package), "size": sizes[folder]})


def _package(path: str, value: dict[str, Any]) -> Package | None:
    name, version = value.get("name"), value.get("version")
    if not isinstance(name, str) or not isinstance(version, str):
        return None
    location = f"/{posixpath.dirname(path)}"
    if _INSTALLED.fullmatch(path) or (_CODE_SERVER.fullmatch(path) and name == "code-server"):
        return Package(NODE, name, version, location, license=_license(value))
    publisher = value.get("publisher")
    if _EXTENSION.fullmatch(path) and isinstance(publisher, str) and publisher not in _BUILT_IN:
        whole = f"{publisher}.{name}".lower()
        return Package(EDITOR, whole, version, location, license=_license(value))
    return None


def _license(value: dict[str, Any]) -> str:
    """`license` is an expression; old packages have an object, or a list called `licenses`."""
    single = value.get("license", value.get("licenses", ""))
    several = single if isinstance(single, list) else [single]
    names = [item.get("type", "") if isinstance(item, dict) else str(item) for item in several]
    return ", ".join(sorted(name for name in names if name))


def _sizes(tree: Tree, folders: Set[str]) -> dict[str, int]:
    """Bytes of the files below each folder that are in no other of them."""
    sizes = dict.fromkeys(folders, 0)
    for path, size in tree.sizes.items():
        folder = posixpath.dirname(path)
        while folder and folder not in sizes:
            folder = posixpath.dirname(folder)
        if folder:
            sizes[folder] += size
    return sizes
