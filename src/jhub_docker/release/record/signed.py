"""What a registry has for an image that is signed: written by who releases, read by who trusts."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jhub_docker.oci.layout import INDEX, Descriptor, canonical_json
from jhub_docker.progress import stage
from jhub_docker.registry.reference import Reference
from jhub_docker.registry.remote import Remote
from jhub_docker.release.record import cosign
from jhub_docker.release.record.keys import Key
from jhub_docker.release.record.records import BILL, PROVENANCE, Records


def sign(remote: Remote, image: Reference, records: Records, key: Key) -> None:
    """Attest the records of the image and its manifests, and sign these; the image last.

    So whoever finds a signature finds all that it vouches for. `image` is by digest and pushed.
    Running it again changes nothing that counts: attestations replace their like, signatures are
    added once.
    """
    # The image itself is the first subject, and its signature is the last thing written.
    with stage(f"signing {image} and its records"):
        for digest, documents in reversed(list(records.documents.items())):
            subject = image.at(digest)
            for kind, document in documents.items():
                with tempfile.NamedTemporaryFile() as predicate:
                    predicate.write(canonical_json(document))
                    predicate.flush()
                    cosign.attest(remote.access, subject, kind, Path(predicate.name), key)
            cosign.sign(remote.access, subject, key)


class Signed:
    """Signatures and attestations of an image and its manifests, as they were found.

    `documents` are the attested ones by the digest they are about. Each method is a check: it
    returns what it found in words, and raises ActionError for the first that is wrong.
    """

    def __init__(self, remote: Remote, trust: Path) -> None:
        """`trust` is the public key that is trusted."""
        self._access, self._trust = remote.access, trust
        self.documents: dict[str, dict[str, Mapping[str, Any]]] = {}

    def signatures(self, image: Reference, subjects: Sequence[Descriptor]) -> str:
        """Image and manifests are signed."""
        for subject in subjects:
            cosign.verify(self._access, image.at(subject.digest), self._trust)
        return f"{_listing(subjects)} signed by {self._trust.name}"

    def attestations(self, image: Reference, subjects: Sequence[Descriptor]) -> str:
        """The records are attested, by the same key and about these digests."""
        for subject in subjects:
            found = self.documents.setdefault(subject.digest, {})
            for kind in (PROVENANCE,) if subject.media_type == INDEX else (BILL, PROVENANCE):
                about = image.at(subject.digest)
                found[kind] = cosign.attested(self._access, about, kind, self._trust)
        return f"records of {_listing(subjects)} signed by {self._trust.name}"


def _listing(subjects: Sequence[Descriptor]) -> str:
    return " and ".join(
        "index" if one.media_type == INDEX else one.platform or "image" for one in subjects
    )
