"""What a registry has for an image that is signed: written by who releases, read by who trusts."""

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from jhub_docker.errors import ActionError
from jhub_docker.oci.layout import INDEX, Descriptor
from jhub_docker.progress import stage
from jhub_docker.registry.reference import Reference
from jhub_docker.registry.remote import Remote
from jhub_docker.release.record.bom import encode
from jhub_docker.release.record.cosign import Cosign, RefusedError
from jhub_docker.release.record.keys import Key, Trust
from jhub_docker.release.record.records import PROVENANCE, Kind, Records


class UncheckedError(Exception):
    """A check could not be made; the message says why. That by itself is no failure."""


def sign(remote: Remote, image: Reference, records: Records, key: Key) -> None:
    """Attach the records to the image and its manifests, attest them, and sign; the image last.

    So whoever finds a signature finds all that it vouches for. `image` is by digest and pushed.
    Running it again changes nothing that counts: the same documents have the same digests,
    attestations replace their like, signatures are added once.
    """
    cosign = Cosign(remote.access)
    # The image itself is the first subject, and its signature is the last thing written.
    with stage(f"attaching and signing the records of {image}"):
        for digest, documents in reversed(list(records.documents.items())):
            subject = image.at(digest)
            for kind, data in ((Kind(name), encode(one)) for name, one in documents.items()):
                remote.attach(subject, kind.media_type, kind, data)
                with tempfile.NamedTemporaryFile() as predicate:
                    predicate.write(data)
                    predicate.flush()
                    cosign.attest(subject, kind.cosign, Path(predicate.name), key)
            cosign.sign(subject, key)


class Signed:
    """Signatures and attestations of an image and its manifests, as they were found.

    `documents` are the attested ones by the digest they are about. Each method is a check: it
    returns what it found in words, and raises ActionError naming all that is wrong.
    """

    def __init__(self, remote: Remote, trust: Trust) -> None:
        self._remote, self._cosign, self._trust = remote, Cosign(remote.access), trust
        self.documents: dict[str, dict[str, Mapping[str, Any]]] = {}

    def document(self, subject: Descriptor, kind: Kind) -> Mapping[str, Any]:
        """The attested document of a kind. Raises UncheckedError where none is."""
        try:
            return self.documents[subject.digest][kind]
        except KeyError:
            raise UncheckedError(f"there is no attested {kind} to compare with") from None

    def signatures(self, image: Reference, subjects: Sequence[Descriptor]) -> str:
        """Image and manifests are signed."""
        wrong = []
        for subject in subjects:
            try:
                self._cosign.verify(image.at(subject.digest), self._trust)
            except RefusedError as error:
                wrong.append(f"{_named(subject)}: {error}")
        _refuse(wrong)
        return f"{_listing(subjects)} signed by {self._trust}"

    def attestations(self, image: Reference, subjects: Sequence[Descriptor]) -> str:
        """The records are attested, by the same key and about these digests."""
        wrong = []
        for subject in subjects:
            for kind in (PROVENANCE,) if subject.media_type == INDEX else tuple(Kind):
                try:
                    document = self._attested(image.at(subject.digest), kind)
                except RefusedError as error:
                    wrong.append(f"{kind} of {_named(subject)}: {error}")
                else:
                    self.documents.setdefault(subject.digest, {})[kind] = document
        _refuse(wrong)
        return f"records of {_listing(subjects)} signed by {self._trust}"

    def attachments(self, image: Reference) -> str:
        """What is attached in plain is, for each attested document, the same and nothing else."""
        wrong, count = [], 0
        signed = [(d, Kind(k), v) for d, found in self.documents.items() for k, v in found.items()]
        for digest, kind, document in signed:
            found = self._remote.referrers(image.at(digest), kind.media_type)
            count += len(found)
            if not found:
                wrong.append(f"no {kind} is attached to {digest}")
            for entry in found:
                same = False
                with suppress(ActionError):
                    same = self._remote.document(image.at(entry.digest)) == document
                if not same:
                    wrong.append(f"{kind} attached to {digest} is not the signed one")
        _refuse(wrong)
        if not self.documents:
            raise UncheckedError("there is nothing signed to compare with")
        return f"{count}, equal to what is signed"

    def _attested(self, subject: Reference, kind: Kind) -> Mapping[str, Any]:
        statements = self._cosign.attested(subject, kind.cosign, self._trust)
        if len({encode(statement["predicate"]) for statement in statements}) != 1:
            raise RefusedError(f"{len(statements)} different ones are signed")
        if any(statement["predicateType"] != kind.predicate for statement in statements):
            raise RefusedError(f"it is no statement of the type {kind.predicate}")
        predicate: Mapping[str, Any] = statements[0]["predicate"]
        return predicate


def _named(subject: Descriptor) -> str:
    what = "the index" if subject.media_type == INDEX else subject.platform or "the image"
    return f"{what} {subject.digest[:19]}"


def _listing(subjects: Sequence[Descriptor]) -> str:
    return " and ".join(
        "index" if s.media_type == INDEX else s.platform or "image" for s in subjects
    )


def _refuse(wrong: list[str]) -> None:
    if wrong:
        raise ActionError("; ".join(wrong))
