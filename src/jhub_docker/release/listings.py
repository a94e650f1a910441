"""The packages of a release, from the best source at hand, and which source that was."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jhub_docker.catalog import ledger
from jhub_docker.catalog import packages as catalogs
from jhub_docker.catalog.version import Version
from jhub_docker.errors import ActionError, UsageError
from jhub_docker.locks import declared as packages
from jhub_docker.locks.declared import Packages
from jhub_docker.oci.layout import INDEX, Descriptor
from jhub_docker.registry.reference import Reference
from jhub_docker.registry.remote import Remote
from jhub_docker.release import history
from jhub_docker.release.candidate import Workplace
from jhub_docker.release.record import listed
from jhub_docker.release.record.cosign import Cosign
from jhub_docker.release.record.keys import Trust
from jhub_docker.release.record.records import BILL
from jhub_docker.release.record.signed import Signed

KINDS = {
    "pypi": "Python",
    "deb": "Debian",
    "npm": "Node",
    "vscode-extension": "VS Code",
    "generic": "program",
}
"""Kinds of packages in words, by their types of package URL, in the order they are shown."""

_LOCKED = {"npm": "Node"}
"""How `packages` calls a kind where the words differ."""


@dataclass(frozen=True)
class Part:
    """A package: its versions in words, none where the source has none; bytes where it has them.

    `direct` is None where the source does not know.
    """

    kind: str
    name: str
    version: str
    direct: bool | None = None
    size: int | None = None


@dataclass(frozen=True)
class Listing:
    """All packages of `what`, as `source` has them, by kind and name."""

    what: str
    source: str
    parts: Mapping[tuple[str, str], Part]


def of_bill(what: str, source: str, bill: Mapping[str, Any]) -> Listing:
    """The packages of a bill of materials. Pure."""
    found: dict[tuple[str, str], list[listed.Listed]] = {}
    for one in listed.packages(bill):
        found.setdefault((KINDS.get(one.kind, one.kind), one.name), []).append(one)
    return Listing(
        what,
        source,
        {
            (kind, name): Part(
                kind,
                name,
                ", ".join(sorted({one.version for one in group})),
                _direct(one.direct for one in group),
                sum(one.size for one in group),
            )
            for (kind, name), group in found.items()
        },
    )


def of_locks(what: str, source: str, locked: Packages) -> Listing:
    """The packages that the source of a release declares. Pure."""
    parts = {}
    for full, version in locked.versions.items():
        name, _, kind = full.removesuffix(")").partition(" (")
        kind = _LOCKED.get(kind, kind) or KINDS["pypi"]
        parts[kind, name] = Part(kind, name, version, full in locked.direct)
    return Listing(what, source, parts)


def of_releases(root: Path, image: str, versions: Iterable[str]) -> list[Listing]:
    """Releases of an image: from their kept records where all have them, else from their tags.

    Raises UsageError for a version that has no tag.
    """
    wanted = [str(Version.parse(version)) for version in versions]
    known = catalogs.load(root / "packages")[image]
    entries = ledger.read(known.folder)
    kept = [_kept(root, image, version, entries) for version in wanted]
    if all(kept):
        return [one for one in kept if one]
    listings = []
    for version in wanted:
        tag = history.tag_name(image, Version.parse(version))
        if Version.parse(version) not in history.versions(root, image):
            there = ", ".join(map(str, history.versions(root, image))) or "none"
            raise UsageError(f"{image} {version} was not released here; releases are: {there}")
        with history.packages_at(root, tag) as folder:
            locked = packages.of(catalogs.load(folder), image)
        listings.append(of_locks(f"{image} {version}", f"the lock files at {tag}", locked))
    return listings


def of_reference(
    remote: Remote, reference: Reference, trust: Trust | None, cosign: Cosign | None = None
) -> Listing:
    """What the registry's bill of materials says of an image, of several platforms the first.

    With `trust` it is the signed one, and a signature by somebody else raises ActionError; without
    it is what is attached.
    """
    descriptor = remote.resolve(reference)
    if descriptor is None:
        raise UsageError(f"{reference} is not in the registry; look at its name and tag")
    image, manifest = reference.at(descriptor.digest), descriptor
    if descriptor.media_type == INDEX:
        _, value = remote.manifest(image)
        manifest = min(map(Descriptor.from_json, value["manifests"]), key=lambda one: one.platform)
    if trust:
        signed = Signed(remote, cosign or Cosign(remote.access), trust)
        signed.attestations(image, [Descriptor(manifest.media_type, manifest.digest, 0)])
        source = f"the bill of materials signed by {trust}"
        return of_bill(str(reference), source, signed.document(manifest, BILL))
    attached = remote.referrers(image.at(manifest.digest), BILL.media_type)
    if not attached:
        raise ActionError(f"{reference} has no bill of materials in the registry")
    document = remote.document(image.at(attached[0].digest))
    return of_bill(
        str(reference), "the bill of materials attached, its signature not checked", document
    )


def _kept(
    root: Path, image: str, version: str, entries: Mapping[str, ledger.Entry]
) -> Listing | None:
    records = Workplace(root, image, version).load_records()
    if records is None or not records.bills:
        return None
    entry = entries.get(version)
    if entry and entry.digest not in records.documents:
        return None  # of a try that became another image
    return of_bill(f"{image} {version}", "the record kept in .dev/release", records.bills[0])


def _direct(values: Iterable[bool | None]) -> bool | None:
    """Direct if one of them is; unknown if none says."""
    said = [value for value in values if value is not None]
    return any(said) if said else None
