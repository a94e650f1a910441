"""What a registry has for an image that is signed: written by who releases, read by who trusts."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jhub_docker.errors import ActionError
from jhub_docker.oci.layout import INDEX, Descriptor
from jhub_docker.progress import stage
from jhub_docker.registry.reference import Reference
from jhub_docker.registry.remote import Remote
from jhub_docker.release.record.bom import encode
from jhub_docker.release.record.cosign import Cosign, RefusedError
from jhub_docker.release.record.keys import Key
from jhub_docker.release.record.records import BILL, PROVENANCE, Records


class UncheckedError(Exception):
    """A check could not be made; the message says why. That by itself is no failure."""


def sign(remote: Remote, image: Reference, records: Records, key: Key) -> None:
    """Attest the records of the image and its manifests, and sign these; the image last.

    So whoever finds a signature finds all that it vouches for. `image` is by digest and pushed.
    Running it again changes nothing that counts: attestations replace their like, signatures are
    added once.
    """
    cosign = Cosign(remote.access)
    # The image itself is the first subject, and its signature is the last thing written.
    with stage(f"signing {image} and its records"):
        for digest, documents in reversed(list(records.documents.items())):
            subject = image.at(digest)
            for kind, document in documents.items():
                with tempfile.NamedTemporaryFile() as predicate:
                    predicate.write(encode(document))
                    predicate.flush()
                    cosign.attest(subject, kind, Path(predicate.name), key)
            cosign.sign(subject, key)


class Signed:
    """Signatures and attestations of an image and its manifests, as they were found.

    `documents` are the attested ones by the digest they are about. Each method is a check: it
    returns what it found in words, and raises ActionError naming all that is wrong.
    """

    def __init__(self, remote: Remote, trust: Path) -> None:
        """`trust` is the public key that is trusted."""
        self._cosign, self._trust = Cosign(remote.access), trust
        self.documents: dict[str, dict[str, Mapping[str, Any]]] = {}

    def document(self, subject: Descriptor, kind: str) -> Mapping[str, Any]:
        """The attested document of a kind. Raises UncheckedError where none is."""
        try:
            return self.documents[subject.digest][kind]
        except KeyError:
            raise UncheckedError(f"there is no attested {kind} to compare with") from None

    def signatures(self, image: Reference, subjects: Sequence[Descriptor]) -> str:
        """Image and manifests are signed."""

        def look(subject: Descriptor) -> None:
            self._cosign.verify(image.at(subject.digest), self._trust)

        _each("", subjects, look)
        return f"{_listing(subjects)} signed by {self._trust.name}"

    def attestations(self, image: Reference, subjects: Sequence[Descriptor]) -> str:
        """The records are attested, by the same key and about these digests."""
        for kind in (BILL, PROVENANCE):

            def look(subject: Descriptor, kind: str = kind) -> None:
                found = self._cosign.attested(image.at(subject.digest), kind, self._trust)
                self.documents.setdefault(subject.digest, {})[kind] = found

            about = [s for s in subjects if kind == PROVENANCE or s.media_type != INDEX]
            _each(f"{kind} of ", about, look)
        return f"records of {_listing(subjects)} signed by {self._trust.name}"


def _each(what: str, subjects: Sequence[Descriptor], look: Callable[[Descriptor], None]) -> None:
    """Look at each of them; raises ActionError naming all that were refused."""
    wrong = []
    for subject in subjects:
        try:
            look(subject)
        except RefusedError as error:
            wrong.append(f"{what}{_named(subject)} {subject.digest[:19]}: {error}")
    if wrong:
        raise ActionError("; ".join(wrong))


def _named(subject: Descriptor) -> str:
    return "the index" if subject.media_type == INDEX else subject.platform or "the image"


def _listing(subjects: Sequence[Descriptor]) -> str:
    return " and ".join(_named(subject).removeprefix("the ") for subject in subjects)
