"""The bill of materials of an image as CycloneDX 1.6 JSON: made, read back, held against an image.

Reproducible: the same image gives the same bytes. So the serial number follows from the image's
digest (the specification recommends one, and random), and the time is that of the image.
"""

import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component as CycloneComponent
from cyclonedx.model.component import ComponentType
from cyclonedx.model.component_evidence import ComponentEvidence, Occurrence
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from jhub_docker.errors import ActionError
from jhub_docker.locks.package import NODE, PROGRAM, PYTHON, Package, package_url
from jhub_docker.locks.resolve import Locked, resolve
from jhub_docker.locks.uv_lock import UvLock
from jhub_docker.release.record.inventory import Inventory

DEPENDENCY = "jhub-docker:dependency"
"""Property: `direct` when the image's pyproject.toml names the package, else `indirect`."""

SIZE = "jhub-docker:size"
"""Property: bytes of the package's files as unpacked, at all its places."""


@dataclass(frozen=True)
class Subject:
    """The image a bill is of. `digest` is its manifest's, `epoch` its time in seconds.

    `environment` is the folder of the Python environment that holds what `lock` says.
    """

    repository: str
    version: str
    digest: str
    platform: str
    epoch: int
    environment: str = ""
    lock: UvLock = field(default_factory=UvLock)

    @property
    def purl(self) -> PackageURL:
        """`pkg:oci/uv-lab@sha256:…?arch=amd64`."""
        name = self.repository.rpartition("/")[2]
        return PackageURL("oci", None, name, self.digest, {"arch": self.platform.split("/")[1]})


@dataclass(frozen=True, order=True)
class Listed:
    """A package in one version, as a bill lists it.

    `size` is in bytes; `sha256` is a program's, and empty for what package managers install.
    """

    purl: str
    locations: tuple[str, ...]
    size: int
    sha256: str

    @property
    def name(self) -> str:
        """Kind and name, e.g. `pypi/pandas`."""
        return self.purl.removeprefix("pkg:").partition("@")[0]


def encode(document: Any) -> bytes:
    """The one form a document is stored in: sorted keys, no blanks."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def bill_of_materials(inventory: Inventory, subject: Subject) -> dict[str, Any]:
    """The bill of what the inventory found, with what the lock knows of it.

    Raises ActionError when the image's own Python environment is not what its lock says.
    """
    locked = require_locked(inventory.packages, subject)
    system = CycloneComponent(
        type=ComponentType.OPERATING_SYSTEM,
        name=inventory.distribution or "unknown",
        version=inventory.release,
        bom_ref="operating-system",
    )
    root = CycloneComponent(
        type=ComponentType.CONTAINER,
        name=subject.repository,
        version=subject.version,
        purl=subject.purl,
        bom_ref=subject.purl.to_string(),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=subject.digest[7:])],
        properties=[Property(name="jhub-docker:platform", value=subject.platform)],
    )
    created = datetime.fromtimestamp(subject.epoch, tz=UTC)
    groups: dict[str, list[Package]] = {}
    for found in inventory.packages:
        purl = package_url(found, inventory.distribution, inventory.release).to_string()
        groups.setdefault(purl, []).append(found)
    components = {purl: _component(purl, group, subject, locked) for purl, group in groups.items()}
    document = Bom(
        serial_number=uuid.uuid5(uuid.NAMESPACE_OID, subject.digest),
        metadata=BomMetaData(component=root, timestamp=created),
        components=[system, *components.values()],
    )
    own = {name: f"pkg:pypi/{name}@{package.version}" for name, package in locked.items()}
    indirect = {own[name] for name, package in locked.items() if not package.direct}
    given = [component for purl, component in components.items() if purl not in indirect]
    document.register_dependency(root, [system, *given])
    for name, entry in locked.items():
        needed = [components[own[other]] for other in entry.dependencies]
        document.register_dependency(components[own[name]], needed)
    made: dict[str, Any] = _ordered(json.loads(JsonV1Dot6(document).output_as_string()))
    return made


def packages(document: Mapping[str, Any]) -> list[Listed]:
    """The packages of a CycloneDX document that `bill_of_materials` made, by their URLs."""
    return sorted(_listed(c) for c in document.get("components", ()) if "purl" in c)


def require_locked(found: Iterable[Package], subject: Subject) -> dict[str, Locked]:
    """What the lock says for the image's Python environment; empty for an image without one.

    Raises ActionError naming each package that is missing, not in the lock, or of another version.
    """
    if not subject.lock.packages or not subject.environment:
        return {}
    own = [p for p in found if p.kind == PYTHON and p.location == subject.environment]
    python = next((p.python for p in own if p.python), "")
    if not python:
        raise ActionError(
            f"{subject.environment} holds no Python package, but the image's uv.lock has some; "
            "expected the environment that the image's pyproject.toml declares"
        )
    locked = resolve(subject.lock, python, subject.platform)
    wrong = differences(
        {(name, entry.version) for name, entry in locked.items()},
        {(package.name, package.version) for package in own},
    )
    if wrong:
        raise ActionError(
            f"{subject.environment} is not what the image's uv.lock says: {'; '.join(wrong)}"
        )
    return locked


def bill_and_image(document: Mapping[str, Any], inventory: Inventory) -> list[str]:
    """In words, where a bill of materials and the image differ; empty when they agree.

    Compared are the packages with their versions and places, and the bytes of programs.
    """
    said = [
        _named(one.purl, place, one.sha256) for one in packages(document) for place in one.locations
    ]
    system = inventory.distribution, inventory.release
    found = [
        _named(package_url(one, *system).to_string(), one.location, one.sha256)
        for one in inventory.packages
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


def _named(purl: str, location: str, sha256: str) -> tuple[str, str]:
    """A name that says kind and place, e.g. `pypi/pandas in /opt/venv`, and what must agree."""
    name, _, rest = purl.removeprefix("pkg:").partition("@")
    return f"{name} in {location}", f"{rest or 'of unknown version'} {sha256[:12]}".strip()


def _listed(component: Mapping[str, Any]) -> Listed:
    properties = {p["name"]: p["value"] for p in component.get("properties", ())}
    occurrences = component.get("evidence", {}).get("occurrences", ())
    return Listed(
        purl=component["purl"],
        locations=tuple(sorted(o["location"] for o in occurrences)),
        size=int(properties.get(SIZE, "0")),
        sha256="".join(one["content"] for one in component.get("hashes", ())),
    )


def _component(
    purl: str, group: list[Package], subject: Subject, locked: Mapping[str, Locked]
) -> CycloneComponent:
    """One component for a package in one version, with all places it was found at."""
    package = group[0]
    own = package.kind == PYTHON and any(p.location == subject.environment for p in group)
    properties = [Property(name=SIZE, value=str(sum(p.size for p in group)))]
    if own and (entry := locked.get(package.name)):
        kind = "direct" if entry.direct else "indirect"
        properties.append(Property(name=DEPENDENCY, value=kind))
    scope, _, bare = package.name.rpartition("/" if package.kind == NODE else "\0")
    program = package.kind == PROGRAM or package.name == "code-server"
    hashes = sorted({one.sha256 for one in group} - {""})
    return CycloneComponent(
        type=ComponentType.APPLICATION if program else ComponentType.LIBRARY,
        name=bare,
        group=scope or None,
        version=package.version or None,
        purl=PackageURL.from_string(purl),
        bom_ref=purl,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=one) for one in hashes],
        licenses=[LicenseFactory().make_from_string(p) for p in {package.license} - {""}],
        properties=properties,
        evidence=ComponentEvidence(occurrences=[Occurrence(location=p.location) for p in group]),
    )


def _ordered(value: Any) -> Any:
    """Lists sorted, for their order means nothing here and changes from run to run."""
    if isinstance(value, dict):
        return {key: _ordered(item) for key, item in value.items()}
    if isinstance(value, list):
        return sorted((_ordered(item) for item in value), key=encode)
    return value
