"""What a registry has for an image that is signed by whom is trusted."""

import json
from collections.abc import Mapping
from typing import Any

from jhub_docker.errors import ActionError
from jhub_docker.oci.layout import INDEX, Descriptor
from jhub_docker.registry.reference import Reference
from jhub_docker.registry.remote import Remote
from jhub_docker.release.record.bom import encode
from jhub_docker.release.record.cosign import Cosign, RefusedError
from jhub_docker.release.record.keys import Trust
from jhub_docker.release.record.records import KINDS, PROVENANCE, Kind
from jhub_docker.release.record.report import UncheckedError


class Signed:
    """Signatures and attestations of an image and its manifests, as they were found.

    `documents` are the attested ones by the digest they are about. Each method is a check: it
    returns what it found in words, and raises ActionError naming all that is wrong.
    """

    def __init__(self, remote: Remote, cosign: Cosign, trust: Trust) -> None:
        self._remote, self._cosign, self._trust = remote, cosign, trust
        self.documents: dict[str, dict[Kind, Mapping[str, Any]]] = {}

    def document(self, subject: Descriptor, kind: Kind) -> Mapping[str, Any]:
        """The attested document of a kind. Raises UncheckedError where none is."""
        try:
            return self.documents[subject.digest][kind]
        except KeyError:
            raise UncheckedError(f"there is no attested {kind.file} to compare with") from None

    def signatures(self, image: Reference, subjects: list[Descriptor]) -> str:
        """Image and manifests are signed."""
        wrong = []
        for subject in subjects:
            try:
                self._cosign.verify(image.at(subject.digest), self._trust)
            except RefusedError as error:
                wrong.append(f"{_named(subject)}: {error}")
        _refuse(wrong)
        return f"{_listing(subjects)} signed by {self._trust}"

    def attestations(self, image: Reference, subjects: list[Descriptor]) -> str:
        """The records are attested, by the same key and about these digests."""
        wrong = []
        for subject in subjects:
            kinds = (PROVENANCE,) if subject.media_type == INDEX else KINDS
            for kind in kinds:
                try:
                    document = self._attested(image.at(subject.digest), kind)
                except RefusedError as error:
                    wrong.append(f"{kind.file} of {_named(subject)}: {error}")
                else:
                    self.documents.setdefault(subject.digest, {})[kind] = document
        _refuse(wrong)
        return f"records of {_listing(subjects)} signed by {self._trust}"

    def attachments(self, image: Reference) -> str:
        """What is attached in plain is, for each attested document, the same and nothing else."""
        wrong, count = [], 0
        for digest, documents in self.documents.items():
            for kind, document in documents.items():
                found = self._remote.referrers(image.at(digest), kind.media_type)
                if not found:
                    wrong.append(f"no {kind.file} is attached to {digest}")
                for entry in found:
                    count += 1
                    if self._attached(image.at(entry.digest)) != encode(document):
                        wrong.append(f"{kind.file} attached to {digest} is not the signed one")
        _refuse(wrong)
        if not self.documents:
            raise UncheckedError("there is nothing signed to compare with")
        return f"{count}, equal to what is signed"

    def _attested(self, subject: Reference, kind: Kind) -> Mapping[str, Any]:
        statements = self._cosign.attested(subject, kind.cosign, self._trust)
        documents = {encode(statement["predicate"]) for statement in statements}
        if len(documents) != 1:
            raise RefusedError(f"{len(documents)} different ones are signed")
        if any(statement["predicateType"] != kind.predicate for statement in statements):
            raise RefusedError(f"it is no statement of the type {kind.predicate}")
        predicate: Mapping[str, Any] = statements[0]["predicate"]
        return predicate

    def _attached(self, reference: Reference) -> bytes:
        """The attached document in its one form; what is no document is equal to none."""
        _, manifest = self._remote.manifest(reference)
        layers = manifest.get("layers", [])
        if len(layers) != 1:
            return b""
        try:
            return encode(json.loads(self._remote.blob(reference.at(layers[0]["digest"]))))
        except ValueError:
            return b""


def _named(subject: Descriptor) -> str:
    what = "the index" if subject.media_type == INDEX else subject.platform or "the image"
    return f"{what} {subject.digest[:19]}"


def _listing(subjects: list[Descriptor]) -> str:
    names = ["index" if s.media_type == INDEX else s.platform or "image" for s in subjects]
    return " and ".join(names)


def _refuse(wrong: list[str]) -> None:
    if wrong:
        raise ActionError("; ".join(wrong))
