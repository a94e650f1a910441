"""The records of an image: bill of materials and provenance, for each digest they are about."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jhub_docker.locks import of_image
from jhub_docker.oci.layout import MANIFEST, Descriptor, Layout
from jhub_docker.release.record import inventory
from jhub_docker.release.record.bom import Subject, bill_of_materials
from jhub_docker.release.record.provenance import PREDICATE, Source, provenance


@dataclass(frozen=True)
class Kind:
    """A kind of document: its file's name, the media type, and the predicate type it is signed as.

    The media type is the attachment's artifact type too. `cosign` is the predicate type's name in
    `cosign attest --type`.
    """

    file: str
    media_type: str
    predicate: str
    cosign: str


BILL = Kind(
    "bom.cdx.json", "application/vnd.cyclonedx+json", "https://cyclonedx.org/bom", "cyclonedx"
)
PROVENANCE = Kind(
    "provenance.json", "application/vnd.slsa.provenance.v1+json", PREDICATE, "slsaprovenance1"
)
KINDS = (BILL, PROVENANCE)


@dataclass(frozen=True)
class Records:
    """The documents by the digest they are about: the index's first, then each manifest's.

    An index has provenance only, for what is in an image differs from platform to platform.
    """

    documents: Mapping[str, Mapping[Kind, Mapping[str, Any]]]

    @property
    def bills(self) -> list[Mapping[str, Any]]:
        """The bills of materials, one for each platform."""
        return [found[BILL] for found in self.documents.values() if BILL in found]

    def to_json(self) -> dict[str, Any]:
        """The documents by digest and file name."""
        return {
            digest: {kind.file: document for kind, document in documents.items()}
            for digest, documents in self.documents.items()
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Mapping[str, Any]]) -> "Records":
        """Read what `to_json` gave. Raises KeyError for a file that is of no kind."""
        kinds = {kind.file: kind for kind in KINDS}
        return cls(
            {
                digest: {kinds[name]: document for name, document in documents.items()}
                for digest, documents in value.items()
            }
        )


def make_records(layout: Layout, image: Descriptor, source: Source) -> Records:
    """Make the records of an index, or of a single manifest, in a layout.

    Raises ActionError when a Python environment is not the locked one; see `bill_of_materials`.
    """
    spec = source.catalog[source.image]
    locks = of_image.read(source.catalog, source.image)
    manifests: dict[str, dict[Kind, Mapping[str, Any]]] = {}
    labels: dict[str, Mapping[str, str]] = {}
    for entry, manifest in layout.manifests(image):
        config = layout.read_json(manifest["config"]["digest"])
        platform = entry.platform or f"{config['os']}/{config['architecture']}"
        labels[platform] = labels_of(config)
        subject = Subject(spec.repository, spec.version, entry.digest, platform, source.epoch)
        manifests[entry.digest] = {
            BILL: bill_of_materials(inventory.take(layout, manifest), subject, locks),
            PROVENANCE: provenance(source, {platform: labels[platform]}),
        }
    if image.media_type == MANIFEST:
        return Records(manifests)
    of_all = provenance(source, labels, declared=spec.platforms)
    return Records({image.digest: {PROVENANCE: of_all}, **manifests})


def labels_of(config: Mapping[str, Any]) -> dict[str, str]:
    """The labels in an image's configuration."""
    return dict((config.get("config") or {}).get("Labels") or {})
