"""The bill of materials of an image as CycloneDX 1.6 JSON: made, read back, held against an image.

Reproducible: the same image gives the same bytes. So the serial number follows from the image's
digest (the specification recommends one, and random), and the time is that of the image.
"""

import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from packageurl import PackageURL

from jhub_docker.catalog import ImageSpec
from jhub_docker.errors import ActionError
from jhub_docker.locks import uv_lock
from jhub_docker.locks.resolve import Locked, resolve
from jhub_docker.release.record.inventory import DEBIAN, PROGRAM, PYTHON, Inventory, Package

DEPENDENCY = "jhub-docker:dependency"
"""Property: `direct` when the image's pyproject.toml names the package, else `indirect`."""


def bill_of_materials(
    inventory: Inventory, spec: ImageSpec, digest: str, platform: str, epoch: int
) -> dict[str, Any]:
    """The bill of what the inventory found, with what the lock knows of it.

    `digest` is that of the image's manifest for the platform, `epoch` its time in seconds. Raises
    ActionError when the image's own Python environment is not what its lock says.
    """
    locked = require_locked(inventory.packages, spec, platform)
    name, system = spec.repository.rpartition("/")[2], "operating-system"
    image = PackageURL("oci", None, name, digest, {"arch": platform.split("/")[1]}).to_string()
    groups: dict[str, list[Package]] = {}
    for found in inventory.packages:
        groups.setdefault(found.purl, []).append(found)
    own = {name: f"pkg:pypi/{name}@{package.version}" for name, package in locked.items()}
    indirect = {own[name] for name, package in locked.items() if not package.direct}
    needs = {
        image: [system, *(purl for purl in groups if purl not in indirect)],
        **{own[name]: [own[one] for one in entry.dependencies] for name, entry in locked.items()},
    }
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": uuid.uuid5(uuid.NAMESPACE_OID, digest).urn,
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(epoch, tz=UTC).isoformat(),
            "component": {
                "type": "container",
                "bom-ref": image,
                "name": spec.repository,
                "version": spec.version,
                "purl": image,
                "hashes": [{"alg": "SHA-256", "content": digest.removeprefix("sha256:")}],
                "properties": [{"name": "jhub-docker:platform", "value": platform}],
            },
        },
        "components": [
            {
                "type": system,
                "bom-ref": system,
                "name": inventory.distribution or "unknown",
                "version": inventory.release,
            },
            *(_component(*one, spec, locked) for one in sorted(groups.items())),
        ],
        "dependencies": [
            {"ref": ref, "dependsOn": sorted(refs)} for ref, refs in sorted(needs.items())
        ],
    }


def packages(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The components that are packages, of a document that `bill_of_materials` made."""
    return [one for one in document.get("components", ()) if "purl" in one]


def require_locked(found: Iterable[Package], spec: ImageSpec, platform: str) -> dict[str, Locked]:
    """What the lock says for the image's Python environment; empty for an image without one.

    Raises ActionError naming each package that is missing, not in the lock, or of another version.
    """
    lock = uv_lock.read(spec.folder / uv_lock.NAME)
    if not lock.packages or not spec.environment:
        return {}
    own = [p for p in found if p.url.type == PYTHON and p.location == spec.environment]
    python = next((p.python for p in own if p.python), "")
    if not python:
        raise ActionError(
            f"{spec.environment} holds no Python package, but the image's uv.lock has some; "
            "expected the environment that the image's pyproject.toml declares"
        )
    locked = resolve(lock, python, platform)
    wrong = differences(
        {(name, entry.version) for name, entry in locked.items()},
        {(package.url.name, package.url.version or "") for package in own},
    )
    if wrong:
        raise ActionError(
            f"{spec.environment} is not what the image's uv.lock says: {'; '.join(wrong)}"
        )
    return locked


def bill_and_image(document: Mapping[str, Any], inventory: Inventory) -> list[str]:
    """In words, where a bill of materials and the image differ; empty when they agree.

    Compared are the packages with their versions and places, and the bytes of programs.
    """
    said = [
        Package(
            one["purl"], place["location"], "".join(h["content"] for h in one.get("hashes", ()))
        )
        for one in packages(document)
        for place in one["evidence"]["occurrences"]
    ]
    return differences((one.told for one in said), (one.told for one in inventory.packages))


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


def _component(
    purl: str, group: list[Package], spec: ImageSpec, locked: Mapping[str, Locked]
) -> dict[str, Any]:
    """One component for a package in one version, with all places it was found at."""
    url, places = group[0].url, sorted(p.location for p in group)
    own = url.type == PYTHON and spec.environment in places
    entry = locked.get(url.name) if own else None
    direct = {True: "direct", False: "indirect"}
    program = url.type == PROGRAM or url.name == "code-server"
    found = {
        "type": "application" if program else "library",
        "bom-ref": purl,
        "group": "" if url.type == DEBIAN else url.namespace,
        "name": url.name,
        "version": url.version,
        "purl": purl,
        "hashes": [
            {"alg": "SHA-256", "content": one} for one in sorted({p.sha256 for p in group} - {""})
        ],
        "properties": [{"name": DEPENDENCY, "value": direct[entry.direct]}] if entry else [],
        "evidence": {"occurrences": [{"location": one} for one in places]},
    }
    return {key: value for key, value in found.items() if value}
