"""The records of an image: bill of materials and provenance, for each digest they are about."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jhub_docker.oci.layout import Descriptor, Layout, canonical_json
from jhub_docker.progress import stage
from jhub_docker.registry.reference import Reference
from jhub_docker.registry.remote import Remote
from jhub_docker.release.record import cosign, inventory
from jhub_docker.release.record.bom import bill_of_materials
from jhub_docker.release.record.keys import Key
from jhub_docker.release.record.provenance import Source, provenance

BILL, PROVENANCE = "cyclonedx", "slsaprovenance1"
"""The kinds of document, by the names of their predicate types in `cosign attest --type`."""

Records = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""The documents by kind, by the digest they are about: the index's first, then each manifest's.

An index has provenance only, for what is in an image differs from platform to platform.
"""


def make_records(layout: Layout, image: Descriptor, source: Source) -> Records:
    """Make the records of an index in a layout.

    Raises ActionError when a Python environment is not the locked one; see `bill_of_materials`.
    """
    spec = source.catalog[source.image]
    records: dict[str, dict[str, Mapping[str, Any]]] = {}
    labels: dict[str, Mapping[str, str]] = {}
    for entry, manifest in layout.manifests(image):
        config = layout.read_json(manifest["config"]["digest"])
        labels[entry.platform] = labels_of(config)
        found = inventory.take(layout, manifest)
        records[entry.digest] = {
            BILL: bill_of_materials(found, spec, entry.digest, entry.platform, source.epoch),
            PROVENANCE: provenance(source, {entry.platform: labels[entry.platform]}),
        }
    of_all = provenance(source, labels, declared=spec.platforms)
    return {image.digest: {PROVENANCE: of_all}, **records}


def labels_of(config: Mapping[str, Any]) -> dict[str, str]:
    """The labels in an image's configuration."""
    return dict((config.get("config") or {}).get("Labels") or {})


def sign(remote: Remote, image: Reference, records: Records, key: Key) -> None:
    """Attest the records of the image and its manifests, and sign these; the image last.

    So whoever finds a signature finds all that it vouches for. `image` is by digest and pushed.
    Running it again changes nothing that counts: attestations replace their like, signatures are
    added once.
    """
    # The image itself is the first subject, and its signature is the last thing written.
    with stage(f"signing {image} and its records"):
        for digest, documents in reversed(list(records.items())):
            subject = image.at(digest)
            for kind, document in documents.items():
                with tempfile.NamedTemporaryFile() as predicate:
                    predicate.write(canonical_json(document))
                    predicate.flush()
                    cosign.attest(remote.access, subject, kind, Path(predicate.name), key)
            cosign.sign(remote.access, subject, key)
