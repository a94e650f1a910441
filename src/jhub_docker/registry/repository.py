"""What a repository in a registry holds: images by digest, with tags, parts and records.

Registries list tags and nothing else, so what has no tag is known only by what has one.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from jhub_docker.oci.layout import Descriptor
from jhub_docker.registry.oras import MissingError
from jhub_docker.registry.reference import Reference
from jhub_docker.registry.remote import Remote

_RECORD = re.compile(r"sha256-([0-9a-f]{64})(\.(?:sig|att|sbom))?")
"""Tags of what is said of another digest: cosign's, and the list of attachments."""


@dataclass(frozen=True)
class Image:
    """An image that has tags. `manifests` are those of its platforms, none for a single manifest.

    `blobs` are all it reaches by digest, itself among them, with their bytes.
    """

    digest: str
    tags: tuple[str, ...]
    manifests: tuple[str, ...]
    blobs: Mapping[str, int]


@dataclass(frozen=True)
class Record:
    """A manifest that is about another one; one without a tag is an attachment."""

    subject: str
    digest: str
    tag: str = ""
    size: int = 0

    @property
    def is_list(self) -> bool:
        """Whether it is the list of attachments where there is no referrers API."""
        return bool(self.tag) and "." not in self.tag


@dataclass(frozen=True)
class Contents:
    """The images by digest, and the records by the digest they are about."""

    images: Mapping[str, Image]
    records: Mapping[str, tuple[Record, ...]] = field(default_factory=dict)


def read(remote: Remote, repository: Reference) -> Contents:
    """Read all tags of the repository and what they stand for."""
    tags: dict[str, list[str]] = {}
    about: dict[str, list[Record]] = {}
    for tag in remote.tags(repository):
        found = remote.resolve(repository.tagged(tag))
        if found is None:
            continue
        if match := _RECORD.fullmatch(tag):
            subject = f"sha256:{match[1]}"
            about.setdefault(subject, []).append(Record(subject, found.digest, tag, found.size))
            if match[2] is None:
                about[subject] += _listed(remote, repository, subject, found)
        else:
            tags.setdefault(found.digest, []).append(tag)
    images = {digest: _image(remote, repository, digest, named) for digest, named in tags.items()}
    for image in images.values():
        for subject in (image.digest, *image.manifests):
            about.setdefault(subject, []).extend(_attached(remote, repository.at(subject)))
    return Contents(images, {one: _unique(found) for one, found in about.items() if found})


def _image(remote: Remote, repository: Reference, digest: str, tags: list[str]) -> Image:
    reached = list(remote.reached(repository.at(digest)))
    _, value = remote.manifest(repository.at(digest))
    return Image(
        digest,
        tuple(sorted(tags)),
        tuple(entry["digest"] for entry in value.get("manifests", ())),
        {one.digest: one.size for one in reached},
    )


def _listed(
    remote: Remote, repository: Reference, subject: str, index: Descriptor
) -> Iterator[Record]:
    """The attachments on the list that stands in for the referrers API."""
    _, value = remote.manifest(repository.at(index.digest))
    for entry in value.get("manifests", ()):
        yield Record(subject, entry["digest"], size=entry["size"])


def _attached(remote: Remote, subject: Reference) -> Iterator[Record]:
    try:
        for entry in remote.referrers(subject):
            yield Record(str(subject.digest), entry.digest, size=entry.size)
    except MissingError:
        return


def _unique(records: list[Record]) -> tuple[Record, ...]:
    """Each once: where there is no referrers API, the list is what it is answered from."""
    return tuple({(record.digest, record.tag): record for record in records}.values())
