"""Whether what is said of an image and what is in it agree: its lock, and its bill of materials."""

from collections.abc import Iterable, Mapping
from typing import Any

from packageurl import PackageURL

from jhub_docker.errors import ActionError
from jhub_docker.locks.of_image import Locks
from jhub_docker.locks.package import PROGRAM, PYTHON, Package, package_url
from jhub_docker.locks.resolve import Locked, resolve
from jhub_docker.release.record.inventory import Inventory
from jhub_docker.release.record.listed import Listed
from jhub_docker.release.record.listed import packages as listed


def require_locked(packages: Iterable[Package], locks: Locks, platform: str) -> dict[str, Locked]:
    """What the lock says for the image's Python environment; empty for an image without one.

    Raises ActionError naming each package that is missing, not in the lock, or of another version.
    """
    if not locks.own.packages or not locks.environment:
        return {}
    found = [p for p in packages if p.kind == PYTHON and p.location == locks.environment]
    python = next((p.python for p in found if p.python), "")
    if not python:
        raise ActionError(
            f"{locks.environment} holds no Python package, but the image's uv.lock has some; "
            "expected the environment that the image's pyproject.toml declares"
        )
    locked = resolve(locks.own, python, platform)
    wrong = differences(
        {(name, entry.version) for name, entry in locked.items()},
        {(package.name, package.version) for package in found},
    )
    if wrong:
        raise ActionError(
            f"{locks.environment} is not what the image's uv.lock says: {'; '.join(wrong)}"
        )
    return locked


def bill_and_image(document: Mapping[str, Any], inventory: Inventory) -> list[str]:
    """In words, where a bill of materials and the image differ; empty when they agree.

    Compared are the packages with their versions and places, and the bytes of programs.
    """
    said = [
        _named(package.purl, location, _sha256(package))
        for package in listed(document)
        for location in package.locations
    ]
    found = [
        _named(
            package_url(package, inventory.distribution, inventory.release).to_string(),
            package.location,
            package.sha256,
        )
        for package in inventory.packages
    ]
    return differences(said, found)


def differences(said: Iterable[tuple[str, str]], found: Iterable[tuple[str, str]]) -> list[str]:
    """In words: the packages (name, version) that are missing, extra, or of another version."""
    missing, extra = set(said), set(found)
    missing, extra = missing - extra, extra - missing
    lines = []
    for name in sorted({name for name, _ in missing | extra}):
        before = ", ".join(sorted(version for other, version in missing if other == name))
        after = ", ".join(sorted(version for other, version in extra if other == name))
        if before and after:
            lines.append(f"{name} is {after} instead of {before}")
        elif before:
            lines.append(f"{name} {before} is missing")
        else:
            lines.append(f"{name} {after} is extra")
    return lines


def _sha256(package: Listed) -> str:
    """The digest of a program's file; the hashes of other packages are of their archives."""
    hashes = package.hashes if package.kind == PROGRAM else ()
    return hashes[0].removeprefix("SHA-256:") if hashes else ""


def _named(purl: str, location: str, sha256: str) -> tuple[str, str]:
    """A name that says kind and place, e.g. `pypi pandas in /opt/venv`, and what must agree."""
    url = PackageURL.from_string(purl)
    name = f"{url.type} {url.namespace}/{url.name}" if url.namespace else f"{url.type} {url.name}"
    qualifiers = url.qualifiers if isinstance(url.qualifiers, dict) else {}
    details = [f"{key} {value}" for key, value in sorted(qualifiers.items())]
    if sha256:
        details.append(f"sha256 {sha256[:12]}")
    version = url.version or "of unknown version"
    return f"{name} in {location}", f"{version} ({', '.join(details)})" if details else version
