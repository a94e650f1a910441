"""The records of an image: bill of materials and provenance, for each digest they are about."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jhub_docker.oci.layout import MANIFEST, Descriptor, Layout
from jhub_docker.release.record import inventory
from jhub_docker.release.record.bom import bill_of_materials
from jhub_docker.release.record.provenance import Source, provenance

BILL, PROVENANCE = "cyclonedx", "slsaprovenance1"
"""The kinds of document, by the names of their predicate types in `cosign attest --type`."""


@dataclass(frozen=True)
class Records:
    """The documents by the digest they are about: the index's first, then each manifest's.

    An index has provenance only, for what is in an image differs from platform to platform.
    """

    documents: Mapping[str, Mapping[str, Mapping[str, Any]]]

    @property
    def bills(self) -> list[Mapping[str, Any]]:
        """The bills of materials, one for each platform."""
        return [found[BILL] for found in self.documents.values() if BILL in found]


def make_records(layout: Layout, image: Descriptor, source: Source) -> Records:
    """Make the records of an index, or of a single manifest, in a layout.

    Raises ActionError when a Python environment is not the locked one; see `bill_of_materials`.
    """
    spec = source.catalog[source.image]
    manifests: dict[str, dict[str, Mapping[str, Any]]] = {}
    labels: dict[str, Mapping[str, str]] = {}
    for entry, manifest in layout.manifests(image):
        config = layout.read_json(manifest["config"]["digest"])
        platform = entry.platform or f"{config['os']}/{config['architecture']}"
        labels[platform] = labels_of(config)
        found = inventory.take(layout, manifest)
        manifests[entry.digest] = {
            BILL: bill_of_materials(found, spec, entry.digest, platform, source.epoch),
            PROVENANCE: provenance(source, {platform: labels[platform]}),
        }
    if image.media_type == MANIFEST:
        return Records(manifests)
    of_all = provenance(source, labels, declared=spec.platforms)
    return Records({image.digest: {PROVENANCE: of_all}, **manifests})


def labels_of(config: Mapping[str, Any]) -> dict[str, str]:
    """The labels in an image's configuration."""
    return dict((config.get("config") or {}).get("Labels") or {})
