"""A released image into registries: pushed, signed and verified everywhere, and only then named.

A tag is what people find an image by. None is written before all registries have all of it, so a
release that stops half-way is nothing but blobs that nobody sees.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jhub_docker.catalog import ImageSpec, ledger
from jhub_docker.catalog.ledger import Entry
from jhub_docker.oci.layout import Layout
from jhub_docker.progress import say
from jhub_docker.registry.reference import Reference
from jhub_docker.registry.remote import Remote
from jhub_docker.registry.version_tags import publish_tags
from jhub_docker.release.artifact import descriptor
from jhub_docker.release.candidate import Candidate, Workplace
from jhub_docker.release.record.keys import Key
from jhub_docker.release.record.records import sign
from jhub_docker.release.record.verify import trusted


@dataclass(frozen=True)
class Signer:
    """Who signs, and who will be trusted to have."""

    key: Key
    trust: Path


def repository(spec: ImageSpec, registry: str) -> Reference:
    """Where an image goes in `registry`, a host with or without a path, e.g. `ghcr.io/team`.

    Raises UsageError for what is none.
    """
    return Reference.parse(f"{registry.rstrip('/')}/{spec.repository.rpartition('/')[2]}")


def publish(
    remote: Remote,
    repositories: Sequence[Reference],
    place: Workplace,
    one: Candidate,
    signer: Signer,
) -> None:
    """Push the image and its records to each repository, pull it back, verify it, and tag it.

    Raises ActionError at the first failure; running it again goes on with what is missing.
    """
    layout, records = Layout(place.layout), place.load_records()
    index = descriptor(layout, one.digest)
    entries = ledger.read(place.root / "packages" / one.image)
    for where in repositories:
        image = remote.push(layout, index, where)
        sign(remote, image, records, signer.key)
        trusted(remote, image, signer.trust, ledgers=lambda package: entries, folder=place.folder)
    for where in repositories:
        written = publish_tags(remote, where.at(index.digest), one.version, yanked(entries))
        named = f"now {', '.join(written)}" if written else "has all its tags"
        say(f"==> {where.name}@{index.digest[:19]} {named}")


def yanked(entries: Mapping[str, Entry]) -> Collection[str]:
    """The versions that were taken back."""
    return [version for version, entry in entries.items() if entry.yanked]
