"""The packages of two releases compared, and how that is shown: `invoke release.diff`. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jhub_docker import table
from jhub_docker.release import budget
from jhub_docker.release.budget import MB, Growth
from jhub_docker.release.listings import KINDS, Listing, Part

_SHOWN = 10
"""Packages whose growth is told; the rest only adds to the sum."""


@dataclass(frozen=True)
class Changed:
    """A package that was added (no `before`), removed (no `after`) or has another version."""

    before: Part | None
    after: Part | None

    @property
    def part(self) -> Part:
        """What it is, as the newer listing has it."""
        part = self.after or self.before
        assert part is not None  # noqa: S101 - one of both is there
        return part

    @property
    def bytes(self) -> int | None:
        """By how much it grew; None where sizes are not known."""
        sizes = [0 if one is None else one.size for one in (self.before, self.after)]
        return None if None in sizes else (sizes[1] or 0) - (sizes[0] or 0)


@dataclass(frozen=True)
class Difference:
    """Two listings and what they differ in; `grown` is empty where sizes are not known."""

    before: Listing
    after: Listing
    changed: Sequence[Changed]
    grown: Sequence[Growth]

    @property
    def unchanged(self) -> int:
        """How many packages are the same in both."""
        return len(self.after.parts) - sum(one.after is not None for one in self.changed)


def compare(before: Listing, after: Listing) -> Difference:
    """What was added, removed or changed: by kind, direct packages first, then by name."""
    changed = [
        Changed(before.parts.get(key), after.parts.get(key))
        for key in {*before.parts, *after.parts}
        if _version(before, key) != _version(after, key)
    ]
    order = list(KINDS.values())
    changed.sort(
        key=lambda one: (
            order.index(one.part.kind) if one.part.kind in order else len(order),
            one.part.direct is not True,
            one.part.name,
        )
    )
    return Difference(before, after, changed, budget.growth(_sizes(before), _sizes(after)))


def text(difference: Difference) -> str:
    """A table of what changed, and which packages made it grow."""
    before, after = difference.before, difference.after
    lines = [f"{one.what}: {len(one.parts)} packages, from {one.source}" for one in (before, after)]
    rows = [
        (
            one.part.kind,
            one.part.name,
            {True: "direct", False: "indirect", None: ""}[one.part.direct],
            _shown(one.before),
            _shown(one.after),
            "" if one.bytes is None else f"{one.bytes / MB:+,.2f} MB",
        )
        for one in difference.changed
    ]
    if rows:
        columns = ("kind", "package", "", before.what, after.what, "size")
        lines += ["", table.render(columns, rows, right=("size",))]
    lines += ["", f"{len(rows)} changed, {difference.unchanged} the same"]
    if difference.grown:
        total = sum(one.bytes for one in difference.grown)
        lines.append(f"size of all packages: {total / MB:+,.2f} MB, most of it:")
        most = sorted(difference.grown, key=lambda one: -abs(one.bytes))[:_SHOWN]
        lines += [f"  {one.package}: {one.bytes / MB:+,.2f} MB" for one in most]
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
                "kind": one.part.kind,
                "package": one.part.name,
                "direct": one.part.direct,
                "before": one.before.version if one.before else None,
                "after": one.after.version if one.after else None,
                "size_before": one.before.size if one.before else None,
                "size_after": one.after.size if one.after else None,
            }
            for one in difference.changed
        ],
        "grown": {one.package: one.bytes for one in difference.grown},
    }


def _version(listing: Listing, key: tuple[str, str]) -> str | None:
    part = listing.parts.get(key)
    return part.version if part else None


def _shown(part: Part | None) -> str:
    """A version, `there` where none is known, `-` for a package that is not there."""
    return "-" if part is None else part.version or "there"


def _sizes(listing: Listing) -> dict[str, int]:
    return {
        f"{part.name} ({part.kind})": part.size
        for part in listing.parts.values()
        if part.size is not None
    }
