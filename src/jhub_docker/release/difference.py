"""The packages of two releases compared, from the best source at hand: `release.diff`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jhub_docker import table
from jhub_docker.catalog import ledger
from jhub_docker.catalog import packages as catalogs
from jhub_docker.catalog.version import Version
from jhub_docker.errors import ActionError, UsageError
from jhub_docker.locks import declared
from jhub_docker.locks.declared import Packages
from jhub_docker.oci.layout import INDEX
from jhub_docker.registry.reference import Reference
from jhub_docker.registry.remote import Remote
from jhub_docker.release import history
from jhub_docker.release.budget import MB, Growth, growth, largest
from jhub_docker.release.candidate import Workplace
from jhub_docker.release.record.bom import Listed, packages
from jhub_docker.release.record.keys import Trust
from jhub_docker.release.record.records import BILL
from jhub_docker.release.record.signed import Signed
from jhub_docker.table import counted

KINDS = {
    "pypi": "Python",
    "deb": "Debian",
    "npm": "Node",
    "vscode-extension": "VS Code",
    "generic": "program",
}
"""Kinds of packages in words, by their types of package URL, in the order they are shown."""


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


@dataclass(frozen=True)
class Difference:
    """Two listings, and the parts of each that the other has not so, or not at all.

    `grown` is empty where sizes are not known.
    """

    before: Listing
    after: Listing
    changed: Sequence[tuple[Part | None, Part | None]]
    grown: Sequence[Growth]

    @property
    def unchanged(self) -> int:
        """How many packages are the same in both."""
        return len(self.after.parts) - sum(new is not None for _, new in self.changed)


def of_bill(what: str, source: str, bill: Mapping[str, Any]) -> Listing:
    """The packages of a bill of materials. Pure."""
    found: dict[tuple[str, str], list[Listed]] = {}
    for one in packages(bill):
        found.setdefault((KINDS.get(one.kind, one.kind), one.name), []).append(one)
    parts = {}
    for (kind, name), group in found.items():
        versions = ", ".join(sorted({one.version for one in group}))
        said = [one.direct for one in group if one.direct is not None]
        direct = any(said) if said else None
        parts[kind, name] = Part(kind, name, versions, direct, sum(one.size for one in group))
    return Listing(what, source, parts)


def of_locks(what: str, source: str, locked: Packages) -> Listing:
    """The packages that the source of a release declares. Pure."""
    parts = {}
    for full, version in locked.versions.items():
        name, _, kind = full.removesuffix(")").partition(" (")
        kind = KINDS.get(kind or "pypi", kind)
        parts[kind, name] = Part(kind, name, version, full in locked.direct)
    return Listing(what, source, parts)


def of_releases(root: Path, image: str, versions: Iterable[str]) -> list[Listing]:
    """Releases of an image: from their kept records where all have them, else from their tags.

    Raises UsageError for a version that has no tag.
    """
    wanted = [Version.parse(version) for version in versions]
    entries = ledger.read(catalogs.load(root / "packages")[image].folder)
    kept = []
    for version in wanted:
        records = Workplace(root, image, str(version)).load_records()
        entry = entries.get(str(version))
        # One of another digest is of a try that became another image.
        if records and records.bills and (not entry or entry.digest in records.documents):
            source = "the record kept in .dev/release"
            kept.append(of_bill(f"{image} {version}", source, records.bills[0]))
    if len(kept) == len(wanted):
        return kept
    listings = []
    for version in wanted:
        known = history.versions(root, image)
        if version not in known:
            there = ", ".join(map(str, known)) or "none"
            raise UsageError(f"{image} {version} was not released here; releases are: {there}")
        tag = history.tag_name(image, version)
        with history.packages_at(root, tag) as folder:
            locked = declared.of(catalogs.load(folder), image)
        listings.append(of_locks(f"{image} {version}", f"the lock files at {tag}", locked))
    return listings


def of_reference(remote: Remote, reference: Reference, trust: Trust | None) -> Listing:
    """What the registry's bill of materials says of an image, of several platforms the first.

    With `trust` it is the signed one, and a signature by somebody else raises ActionError; without
    it is what is attached.
    """
    manifest = remote.require(reference)
    image = reference.at(manifest.digest)
    if manifest.media_type == INDEX:
        manifest = min(remote.platforms(image), key=lambda one: one.platform)
    if trust:
        signed = Signed(remote, trust)
        signed.attestations(image, [manifest])
        source = f"the bill of materials signed by {trust}"
        return of_bill(str(reference), source, signed.document(manifest, BILL))
    attached = remote.referrers(image.at(manifest.digest), BILL.media_type)
    if not attached:
        raise ActionError(f"{reference} has no bill of materials in the registry")
    source = "the bill of materials attached, its signature not checked"
    return of_bill(str(reference), source, remote.document(image.at(attached[0].digest)))


def compare(before: Listing, after: Listing) -> Difference:
    """What was added, removed or changed: by kind, direct packages first, then by name. Pure."""
    changed = []
    for key in {*before.parts, *after.parts}:
        old, new = before.parts.get(key), after.parts.get(key)
        if old is None or new is None or old.version != new.version:
            changed.append((old, new))
    order = {kind: number for number, kind in enumerate(KINDS.values())}

    def place(pair: tuple[Part | None, Part | None]) -> tuple[int, bool, str]:
        part = _either(pair)
        return order.get(part.kind, len(order)), part.direct is not True, part.name

    changed.sort(key=place)
    return Difference(before, after, changed, growth(_sizes(before), _sizes(after)))


def text(difference: Difference) -> str:
    """A table of what changed, and which packages made it grow. Pure."""
    before, after = difference.before, difference.after
    lines = [
        f"{one.what}: {counted(len(one.parts), 'package')}, from {one.source}"
        for one in (before, after)
    ]
    rows = []
    for old, new in difference.changed:
        part = _either((old, new))
        grown = _size(new) - _size(old)
        rows.append(
            (
                part.kind,
                part.name,
                {True: "direct", False: "indirect", None: ""}[part.direct],
                # `there` where no version is known, `-` for a package that is not there.
                "-" if old is None else old.version or "there",
                "-" if new is None else new.version or "there",
                "" if part.size is None else f"{grown / MB:+,.2f} MB",
            )
        )
    if rows:
        columns = ("kind", "package", "", before.what, after.what, "size")
        lines += ["", table.render(columns, rows, right=("size",))]
    lines += ["", f"{len(rows)} changed, {difference.unchanged} the same"]
    if difference.grown:
        total = sum(one.bytes for one in difference.grown)
        lines.append(f"size of all packages: {total / MB:+,.2f} MB, most of it:")
        lines += largest(difference.grown, 10)
    elif not _sizes(after):
        lines.append("sizes are not known from lock files, and neither are versions of Debian's")
    return "\n".join(lines)


def as_data(difference: Difference) -> dict[str, Any]:
    """The same for programs; sizes in bytes."""
    return {
        "before": {"what": difference.before.what, "source": difference.before.source},
        "after": {"what": difference.after.what, "source": difference.after.source},
        "unchanged": difference.unchanged,
        "changed": [
            {
                "kind": _either((old, new)).kind,
                "package": _either((old, new)).name,
                "direct": _either((old, new)).direct,
                "before": old.version if old else None,
                "after": new.version if new else None,
                "size_before": old.size if old else None,
                "size_after": new.size if new else None,
            }
            for old, new in difference.changed
        ],
        "grown": {one.package: one.bytes for one in difference.grown},
    }


def _either(pair: tuple[Part | None, Part | None]) -> Part:
    """What a package is, as the newer listing has it."""
    part = pair[1] or pair[0]
    assert part is not None  # noqa: S101 - one of both is there
    return part


def _size(part: Part | None) -> int:
    return (part.size or 0) if part else 0


def _sizes(listing: Listing) -> dict[str, int]:
    known = (part for part in listing.parts.values() if part.size is not None)
    return {f"{part.name} ({part.kind})": _size(part) for part in known}
