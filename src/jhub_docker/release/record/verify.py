"""Is an image in a registry what its signed records say? Trusts a public key and nothing else.

What the registry sends is compared with what was signed. A check that fails does not end the
others.
"""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jhub_docker.catalog.ledger import Entry
from jhub_docker.errors import ActionError, UsageError
from jhub_docker.oci.layout import INDEX, Descriptor, Layout
from jhub_docker.progress import stage
from jhub_docker.registry.reference import Reference
from jhub_docker.registry.remote import Remote
from jhub_docker.release.record import inventory, matching
from jhub_docker.release.record.agreement import bill_and_image
from jhub_docker.release.record.cosign import Cosign
from jhub_docker.release.record.keys import Trust
from jhub_docker.release.record.records import BILL, PROVENANCE
from jhub_docker.release.record.report import Check, Report, UncheckedError
from jhub_docker.release.record.signed import Signed


def verify(
    remote: Remote,
    reference: Reference,
    trust: Trust,
    *,
    ledgers: Callable[[str], Mapping[str, Entry]] = lambda image: {},
    cosign: Cosign | None = None,
    folder: Path | None = None,
) -> Report:
    """Check all that can be checked of an image, which is pulled below `folder` for that.

    `ledgers` gives the ledger of an image package at hand (empty where there is none). Raises
    UsageError when the registry has no such image, ActionError when it cannot be reached.
    """
    descriptor = remote.resolve(reference)
    if descriptor is None:
        raise UsageError(f"{reference} is not in the registry; look at its name and tag")
    image = reference.at(descriptor.digest)
    signed = Signed(remote, cosign or Cosign(remote.access), trust)
    subjects = [descriptor]
    provenance: Mapping[str, Any] = {}
    checks = [Check.make("manifests", lambda: _manifests(remote, image, subjects))]
    manifests = subjects[1:] or subjects
    with stage("checking signatures and what was signed"):
        checks += [
            Check.make("signatures", lambda: signed.signatures(image, subjects)),
            Check.make("attestations", lambda: signed.attestations(image, subjects)),
            Check.make("attachments", lambda: signed.attachments(image)),
        ]
    with tempfile.TemporaryDirectory(dir=folder, prefix="verify-") as place:
        layout = Layout(Path(place))
        checks.append(Check.make("layers", lambda: _pull(remote, image, layout)))
        with stage("comparing what is in the image with its bill of materials"):
            checks += [
                Check.make("contents", lambda: _contents(layout, manifests, signed)),
                Check.make("labels", lambda: _labels(layout, manifests, descriptor, signed)),
            ]
    checks.append(
        Check.make(
            "name", lambda: matching.name(reference, signed.document(descriptor, PROVENANCE))
        )
    )

    def compare_ledger() -> str:
        predicate = signed.document(descriptor, PROVENANCE)
        package = predicate["buildDefinition"]["externalParameters"]["image"]
        return matching.ledger(descriptor.digest, predicate, ledgers(package))

    checks.append(Check.make("ledger", compare_ledger))
    provenance = signed.documents.get(descriptor.digest, {}).get(PROVENANCE, {})
    return Report(str(reference), descriptor.digest, tuple(checks), provenance)


def _manifests(remote: Remote, image: Reference, subjects: list[Descriptor]) -> str:
    """Read the image's manifest or index, and add the images an index stands for."""
    _, value = remote.manifest(image)
    found = [Descriptor.from_json(entry) for entry in value.get("manifests", ())]
    for entry in found:
        if entry.media_type == INDEX:
            raise ActionError(f"{entry.digest} in the index is an index itself")
        remote.manifest(image.at(entry.digest))
    subjects += found
    return f"{len(subjects)}, each with the digest it is asked for by"


def _pull(remote: Remote, image: Reference, layout: Layout) -> str:
    remote.pull(image, layout)
    blobs = list((layout.folder / "blobs" / "sha256").iterdir())
    size = sum(blob.stat().st_size for blob in blobs)
    return f"{len(blobs)} blobs, {size / 1e6:.1f} MB, each with the digest it is named by"


def _contents(layout: Layout, manifests: list[Descriptor], signed: Signed) -> str:
    """What is in each image is what its bill of materials lists."""
    wrong, counts = [], []
    for entry in manifests:
        _require(layout, entry)
        bill = signed.document(entry, BILL)
        hashes = bill["metadata"]["component"]["hashes"]
        if {f"sha256:{value['content']}" for value in hashes} != {entry.digest}:
            wrong.append("the bill of materials is of another image")
        found = inventory.take(layout, layout.read_json(entry.digest))
        wrong += bill_and_image(bill, found)
        counts.append(f"{len(found.packages)} packages in {entry.platform or 'the image'}")
    if wrong:
        shown = "; ".join(wrong[:_SHOWN])
        rest = f"; and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        raise ActionError(f"the image is not what its bill of materials lists: {shown}{rest}")
    return f"{', '.join(counts)}, as the bill of materials lists them"


_SHOWN = 10
"""Differences that are told in full; an image that is another one altogether has hundreds."""


def _labels(layout: Layout, manifests: list[Descriptor], image: Descriptor, signed: Signed) -> str:
    """The labels of each image are what its provenance says, and the index's."""
    for entry in manifests:
        _require(layout, entry)
        config = layout.read_json(layout.read_json(entry.digest)["config"]["digest"])
        platform = f"{config.get('os')}/{config.get('architecture')}"
        predicates = [signed.document(subject, PROVENANCE) for subject in (entry, image)]
        matching.labels(config, platform, predicates)
    return "version, commit, build id, base and time are those of the provenance"


def _require(layout: Layout, entry: Descriptor) -> None:
    if not layout.has(entry.digest):
        raise UncheckedError("the layers could not be read")
