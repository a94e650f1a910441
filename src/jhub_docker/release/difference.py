"""The packages of two releases compared, from the best source at hand: `release.diff`."""

from collections.abc import Iterable, Mapping
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

    version: str
    direct: bool | None = None
    size: int | None = None


@dataclass(frozen=True)
class Listing:
    """All packages of `what`, as `source` has them, by kind and name."""

    what: str
    source: str
    parts: Mapping[tuple[str, str], Part]

    @property
    def sizes(self) -> dict[str, int]:
        """The bytes of each package, of which they are known."""
        parts = self.parts.items()
        return {f"{name} ({kind})": p.size for (kind, name), p in parts if p.size is not None}


def of_bill(what: str, source: str, bill: Mapping[str, Any]) -> Listing:
    """The packages of a bill of materials. Pure."""
    found: dict[tuple[str, str], list[Listed]] = {}
    for one in packages(bill):
        found.setdefault((KINDS.get(one.kind, one.kind), one.name), []).append(one)
    parts = {}
    for key, group in found.items():
        versions = ", ".join(sorted({one.version for one in group}))
        said = [one.direct for one in group if one.direct is not None]
        parts[key] = Part(versions, any(said) if said else None, sum(one.size for one in group))
    return Listing(what, source, parts)


def of_locks(what: str, source: str, locked: Packages) -> Listing:
    """The packages that the source of a release declares. Pure."""
    parts = {}
    for full, version in locked.versions.items():
        name, _, kind = full.removesuffix(")").partition(" (")
        parts[KINDS.get(kind or "pypi", kind), name] = Part(version, full in locked.direct)
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


def compare(before: Listing, after: Listing) -> dict[str, Any]:
    """What was added, removed or changed: by kind, direct packages first, then by name. Pure.

    Sizes are in bytes; `grown` has all packages whose size changed, and none where no source knows
    sizes.
    """
    none = Part("")
    changed = []
    for kind, name in {*before.parts, *after.parts}:
        old, new = (one.parts.get((kind, name)) for one in (before, after))
        if old is None or new is None or old.version != new.version:
            changed.append(
                {
                    "kind": kind,
                    "package": name,
                    "direct": (new or old or none).direct,
                    "before": old.version if old else None,
                    "after": new.version if new else None,
                    "size_before": old.size if old else None,
                    "size_after": new.size if new else None,
                }
            )
    kinds = [*KINDS.values()]
    changed.sort(
        key=lambda one: (
            kinds.index(one["kind"]) if one["kind"] in kinds else len(kinds),
            one["direct"] is not True,
            one["package"],
        )
    )
    sides = {
        side: {"what": one.what, "source": one.source, "packages": len(one.parts)}
        for side, one in (("before", before), ("after", after))
    }
    grown = {one.package: one.bytes for one in growth(before.sizes, after.sizes)}
    unchanged = len(after.parts) - sum(one["after"] is not None for one in changed)
    return {**sides, "unchanged": unchanged, "changed": changed, "grown": grown}


def text(found: Mapping[str, Any]) -> str:
    """What `compare` found as a table, and which packages made it grow. Pure."""
    sides = found["before"], found["after"]
    lines = [f"{s['what']}: {counted(s['packages'], 'package')}, from {s['source']}" for s in sides]
    rows = []
    for one in found["changed"]:
        sizes = one["size_before"], one["size_after"]
        grown = f"{((sizes[1] or 0) - (sizes[0] or 0)) / MB:+,.2f} MB"
        # `there` where no version is known, `-` for a package that is not there.
        versions = ("-" if one[s] is None else one[s] or "there" for s in ("before", "after"))
        direct = {True: "direct", False: "indirect", None: ""}[one["direct"]]
        known = grown if sizes != (None, None) else ""
        rows.append((one["kind"], one["package"], direct, *versions, known))
    if rows:
        columns = ("kind", "package", "", *(side["what"] for side in sides), "size")
        lines += ["", table.render(columns, rows, right=("size",))]
    lines += ["", f"{len(rows)} changed, {found['unchanged']} the same"]
    if found["grown"]:
        total = sum(found["grown"].values())
        lines.append(f"size of all packages: {total / MB:+,.2f} MB, most of it:")
        lines += largest((Growth(*one) for one in found["grown"].items()), 10)
    elif any("lock files" in side["source"] for side in sides):
        lines.append("sizes are not known from lock files, and neither are versions of Debian's")
    return "\n".join(lines)
