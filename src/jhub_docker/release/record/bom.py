"""The bill of materials of an image as CycloneDX 1.6 JSON.

Reproducible: the same image gives the same bytes. So the serial number follows from the image's
digest (the specification recommends one, and random), and the time is that of the image.
"""

import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
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

from jhub_docker.locks.of_image import Locks
from jhub_docker.locks.package import NODE, PROGRAM, PYTHON, Package, package_url
from jhub_docker.locks.resolve import Locked
from jhub_docker.release.record.agreement import require_locked
from jhub_docker.release.record.inventory import Inventory
from jhub_docker.release.record.listed import DEPENDENCY, SIZE

MEDIA_TYPE = "application/vnd.cyclonedx+json"


@dataclass(frozen=True)
class Subject:
    """The image a bill is of. `digest` is its manifest's, `epoch` its time in seconds."""

    repository: str
    version: str
    digest: str
    platform: str
    epoch: int

    @property
    def purl(self) -> PackageURL:
        """`pkg:oci/uv-lab@sha256:…?arch=amd64`."""
        name = self.repository.rpartition("/")[2]
        return PackageURL("oci", None, name, self.digest, {"arch": self.platform.split("/")[1]})


def bill_of_materials(inventory: Inventory, subject: Subject, locks: Locks) -> dict[str, Any]:
    """The bill of what the inventory found, with what the locks know of it.

    Raises ActionError when the image's own Python environment is not what its lock says.
    """
    locked = require_locked(inventory.packages, locks, subject.platform)
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
    document = Bom(
        serial_number=uuid.uuid5(uuid.NAMESPACE_OID, subject.digest),
        metadata=BomMetaData(
            component=root, timestamp=datetime.fromtimestamp(subject.epoch, tz=UTC)
        ),
        components=[system],
    )
    components = {}
    for purl, group in _by_purl(inventory).items():
        components[purl] = _component(purl, group, locks, locked)
        document.components.add(components[purl])
    own = {name: f"pkg:pypi/{name}@{package.version}" for name, package in locked.items()}
    indirect = {own[name] for name, package in locked.items() if not package.direct}
    given = [component for purl, component in components.items() if purl not in indirect]
    document.register_dependency(root, [system, *given])
    for name, package in locked.items():
        needed = [components[own[other]] for other in package.dependencies]
        document.register_dependency(components[own[name]], needed)
    made: dict[str, Any] = _ordered(json.loads(JsonV1Dot6(document).output_as_string()))
    return made


def encode(document: Any) -> bytes:
    """The one form a document is stored in: sorted keys, no blanks."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def _ordered(value: Any) -> Any:
    """Lists sorted, for their order means nothing here and changes from run to run."""
    if isinstance(value, dict):
        return {key: _ordered(item) for key, item in value.items()}
    if isinstance(value, list):
        return sorted((_ordered(item) for item in value), key=encode)
    return value


def _by_purl(inventory: Inventory) -> dict[str, list[Package]]:
    groups: dict[str, list[Package]] = {}
    for package in inventory.packages:
        purl = package_url(package, inventory.distribution, inventory.release)
        groups.setdefault(purl.to_string(), []).append(package)
    return groups


def _component(
    purl: str, group: list[Package], locks: Locks, locked: Mapping[str, Locked]
) -> CycloneComponent:
    """One component for a package in one version, with all places it was found at."""
    package = group[0]
    own = package.kind == PYTHON and any(p.location == locks.environment for p in group)
    properties = [Property(name=SIZE, value=str(sum(p.size for p in group)))]
    if own and (entry := locked.get(package.name)):
        kind = "direct" if entry.direct else "indirect"
        properties.append(Property(name=DEPENDENCY, value=kind))
    scope, _, bare = package.name.rpartition("/" if package.kind == NODE else "\0")
    return CycloneComponent(
        type=ComponentType.APPLICATION if _is_program(package) else ComponentType.LIBRARY,
        name=bare,
        group=scope or None,
        version=package.version or None,
        purl=PackageURL.from_string(purl),
        bom_ref=purl,
        hashes=_hashes(group, locks),
        licenses=[LicenseFactory().make_from_string(p) for p in {package.license} - {""}],
        properties=properties,
        evidence=ComponentEvidence(occurrences=[Occurrence(location=p.location) for p in group]),
    )


def _is_program(package: Package) -> bool:
    return package.kind == PROGRAM or package.name == "code-server"


def _hashes(group: Iterable[Package], locks: Locks) -> list[HashType]:
    """Of programs that of the file found; of other packages that of the archive they came from."""
    sha256 = {p.sha256 for p in group} | {
        locks.python_hash(p.name, p.version, p.tags) for p in group if p.kind == PYTHON
    }
    sha512 = {locks.node_hash(p.name, p.version) for p in group if p.kind == NODE}
    return [HashType(alg=HashAlgorithm.SHA_256, content=value) for value in sha256 - {""}] + [
        HashType(alg=HashAlgorithm.SHA_512, content=value) for value in sha512 - {""}
    ]
