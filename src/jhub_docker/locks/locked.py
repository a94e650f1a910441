"""What lock files say about the packages of an image: which ones, from what, asked for by whom.

The forms are uv's `uv.lock` (version 1) and npm's `package-lock.json` (lockfileVersion 3).
"""

import base64
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from packaging.markers import Marker
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from jhub_docker.catalog import Catalog
from jhub_docker.locks.package import Package

_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
"""OCI's names of processors, and those that `uname -m` and with it Python uses."""


@dataclass(frozen=True)
class Locked:
    """A Python package that a lock installs. `direct`: the image's pyproject.toml names it."""

    name: str
    version: str
    direct: bool
    dependencies: tuple[str, ...]


@dataclass(frozen=True)
class Locks:
    """The locks an image was made from.

    `environment` is the folder of the Python environment that holds what `own` (its uv.lock,
    parsed) says; `python` are all uv.locks, the parents' too; `node` maps name and version of a
    Node package to the SHA-512 of its archive in hex.
    """

    environment: str = ""
    own: Mapping[str, Any] = field(default_factory=dict)
    python: tuple[Mapping[str, Any], ...] = ()
    node: Mapping[tuple[str, str], str] = field(default_factory=dict)


def files(catalog: Catalog, image: str) -> dict[str, Path]:
    """The lock files of an image and its parents, by their path in the checkout."""
    return {
        f"packages/{spec.name}/{name}": spec.folder / name
        for spec in catalog.closure([image])
        for name in ("uv.lock", "package-lock.json")
        if (spec.folder / name).is_file()
    }


def read(catalog: Catalog, image: str) -> Locks:
    """The locks of an image, from the checkout that the catalog was read from."""
    python: dict[str, Mapping[str, Any]] = {}
    node: dict[tuple[str, str], str] = {}
    for name, path in files(catalog, image).items():
        text = path.read_text(encoding="utf-8")
        if path.name == "uv.lock":
            python[name] = tomllib.loads(text)
        else:
            node |= _integrity(json.loads(text))
    own = python.get(f"packages/{image}/uv.lock", {})
    return Locks(catalog[image].environment, own, tuple(python.values()), node)


def resolve(lock: Mapping[str, Any], python: str, platform: str) -> dict[str, Locked]:
    """What `uv sync --no-dev` installs from a lock, without the project itself.

    `python` is the full version of the interpreter, `platform` OCI's name such as `linux/amd64`:
    the lock holds for several, and its markers choose.
    """
    packages = lock.get("package", [])
    root = next((p for p in packages if "registry" not in p.get("source", {})), None)
    if root is None:
        return {}
    markers = environment(python, platform)
    found: dict[str, dict[str, Any]] = {}
    edges: dict[str, set[str]] = {}
    seen: set[tuple[str, str]] = set()
    direct = {d["name"] for d in root.get("dependencies", []) if _applies(d, markers)}
    queue: list[tuple[str, Mapping[str, Any]]] = [("", d) for d in root.get("dependencies", [])]
    while queue:
        parent, dependency = queue.pop()
        if not _applies(dependency, markers):
            continue
        package = _find(packages, dependency)
        name = package["name"]
        found[name] = package
        edges.setdefault(parent, set()).add(name)
        for extra in ("", *dependency.get("extra", ())):
            if (name, extra) not in seen:
                seen.add((name, extra))
                optional = package.get("optional-dependencies", {})
                further = optional.get(extra, ()) if extra else package.get("dependencies", ())
                queue += [(name, item) for item in further]
    return {
        name: Locked(
            name, package["version"], name in direct, tuple(sorted(edges.get(name, set()) - {name}))
        )
        for name, package in sorted(found.items())
    }


def environment(python: str, platform: str) -> dict[str, str]:
    """The values markers are compared with (dependency specifiers, environment markers)."""
    return {
        "implementation_name": "cpython",
        "implementation_version": python,
        "os_name": "posix",
        "platform_machine": machine(platform),
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": python,
        "python_version": ".".join(python.split(".")[:2]),
        "sys_platform": "linux",
        "extra": "",
    }


def machine(platform: str) -> str:
    """What Python calls the processor of OCI's `platform`, e.g. `aarch64` for `linux/arm64`."""
    architecture = platform.split("/")[1]
    return _MACHINES.get(architecture, architecture)


def archive_hash(locks: Locks, package: Package) -> str:
    """The SHA-256 of what a Python package was installed from; empty when no lock tells.

    That is the wheel with the tags that the installed package has, or else the source archive.
    """
    for lock in locks.python:
        for entry in lock.get("package", []):
            if entry["name"] == package.name and entry.get("version") == package.version:
                for wheel in entry.get("wheels", ()):
                    if _tags(wheel["url"]) == set(package.tags):
                        return str(wheel["hash"]).removeprefix("sha256:")
                if source := entry.get("sdist"):
                    return str(source.get("hash", "")).removeprefix("sha256:")
    return ""


def _tags(url: str) -> set[str]:
    try:
        return {str(tag) for tag in parse_wheel_filename(url.rpartition("/")[2])[3]}
    except InvalidWheelFilename:
        return set()


def _applies(dependency: Mapping[str, Any], markers: dict[str, str]) -> bool:
    marker = dependency.get("marker")
    return marker is None or Marker(marker).evaluate(markers)


def _find(packages: list[dict[str, Any]], dependency: Mapping[str, Any]) -> dict[str, Any]:
    """The package a dependency means; it says the version where the lock has several."""
    named = [p for p in packages if p["name"] == dependency["name"]]
    wanted = dependency.get("version")
    return next((p for p in named if wanted is None or p["version"] == wanted), named[0])


def _integrity(lock: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    found = {}
    for path, entry in lock.get("packages", {}).items():
        kind, _, value = entry.get("integrity", "").partition("-")
        if kind == "sha512":
            name = entry.get("name") or path.rpartition("node_modules/")[2]
            found[name, entry["version"]] = base64.b64decode(value).hex()
    return found
