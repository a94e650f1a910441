"""The packages of two releases compared, by lock files or by signed bills: `release.diff`."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from jhub_docker.catalog import packages as catalogs
from jhub_docker.catalog.version import Version
from jhub_docker.errors import UsageError
from jhub_docker.locks import declared
from jhub_docker.locks.declared import Packages
from jhub_docker.locks.refresh import Change
from jhub_docker.oci.layout import INDEX
from jhub_docker.registry.reference import Reference
from jhub_docker.registry.remote import Remote
from jhub_docker.release import history
from jhub_docker.release.budget import MB, growth, largest
from jhub_docker.release.record.bom import Listed, packages
from jhub_docker.release.record.records import BILL
from jhub_docker.release.record.signed import Signed
from jhub_docker.table import counted

KINDS = {"pypi": "", "deb": "Debian", "npm": "npm", "vscode-extension": "VS Code"}
"""What stands behind a package's name, by its type of package URL, as lock files are compared."""


@dataclass(frozen=True)
class Listing:
    """All packages of `what`, as `source` has them; `sizes` in bytes, where that knows them."""

    what: str
    source: str
    packages: Packages
    sizes: Mapping[str, int] = field(default_factory=dict)


def of_bill(what: str, source: str, bill: Mapping[str, Any]) -> Listing:
    """The packages of a bill of materials. Pure."""
    found: dict[str, list[Listed]] = {}
    for one in packages(bill):
        kind = KINDS.get(one.kind, one.kind)
        found.setdefault(f"{one.name} ({kind})" if kind else one.name, []).append(one)
    versions = {
        name: ", ".join(sorted({one.version for one in group})) for name, group in found.items()
    }
    direct = {name for name, group in found.items() if any(one.direct for one in group)}
    sizes = {name: sum(one.size for one in group) for name, group in found.items()}
    return Listing(what, source, Packages(versions, direct), sizes)


def of_releases(root: Path, image: str, versions: Iterable[str]) -> list[Listing]:
    """Releases of an image by the lock files at their tags.

    Raises UsageError for a version that has no tag.
    """
    known, listings = history.versions(root, image), []
    for version in map(Version.parse, versions):
        if version not in known:
            there = ", ".join(map(str, known)) or "none"
            raise UsageError(f"{image} {version} was not released here; releases are: {there}")
        tag = history.tag_name(image, version)
        with history.packages_at(root, tag) as folder:
            locked = declared.of(catalogs.load(folder), image)
        listings.append(Listing(f"{image} {version}", f"the lock files at {tag}", locked))
    return listings


def of_reference(remote: Remote, reference: Reference, trust: Path) -> Listing:
    """What the signed bill of materials in a registry says, of several platforms the first's.

    Raises ActionError where there is none, or somebody else signed it.
    """
    manifest = remote.require(reference)
    image = reference.at(manifest.digest)
    if manifest.media_type == INDEX:
        manifest = min(remote.platforms(image), key=lambda one: one.platform)
    signed = Signed(remote, trust)
    signed.attestations(image, [manifest])
    source = f"the bill of materials signed by {trust.name}"
    return of_bill(str(reference), source, signed.document(manifest, BILL))


def compare(before: Listing, after: Listing) -> dict[str, Any]:
    """What was added, removed or changed, direct packages first. Pure.

    `grown` has the bytes by which packages grew, and none where no source knows sizes.
    """
    changes = declared.changes(before.packages, after.packages)
    sides = {
        side: {"what": one.what, "source": one.source, "packages": len(one.packages.versions)}
        for side, one in (("before", before), ("after", after))
    }
    kept = len(after.packages.versions) - sum(one.after is not None for one in changes)
    grown = growth(before.sizes, after.sizes)
    return {**sides, "unchanged": kept, "changed": [asdict(one) for one in changes], "grown": grown}


def text(found: Mapping[str, Any]) -> str:
    """What `compare` found, and which packages made it grow. Pure."""
    sides, changed = (found["before"], found["after"]), found["changed"]
    lines = [f"{s['what']}: {counted(s['packages'], 'package')}, from {s['source']}" for s in sides]
    lines += [f"  {Change(**one)}" for one in changed]
    lines.append(f"{len(changed)} changed, {found['unchanged']} the same")
    if found["grown"]:
        total = sum(found["grown"].values())
        lines.append(f"size of all packages: {total / MB:+,.2f} MB, most of it:")
        lines += largest(found["grown"], 10)
    elif any("lock files" in side["source"] for side in sides):
        lines.append("sizes are not known from lock files, and neither are versions of Debian's")
    return "\n".join(lines)
