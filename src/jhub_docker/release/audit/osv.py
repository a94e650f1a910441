"""OSV records (schema 1.7): whether one is about a component, and from which version on not.

https://ossf.github.io/osv-schema/, "Evaluation".
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from packaging.utils import canonicalize_name

from jhub_docker.release.audit import severity, versions
from jhub_docker.release.audit.components import Component
from jhub_docker.release.audit.severity import Severity


@dataclass(frozen=True)
class Advisory:
    """What one database says of one component.

    `aliases` are other names of the same vulnerability; `collects` those of several that an
    announcement (Debian's DSA) speaks of. `fixed` is the first version without it, `""` where there
    is none. `certain` is false where the versions could not be compared.
    """

    id: str
    severity: Severity
    summary: str = ""
    aliases: frozenset[str] = frozenset()
    collects: frozenset[str] = frozenset()
    fixed: str = ""
    certain: bool = True

    @property
    def names(self) -> frozenset[str]:
        """All names of it."""
        return self.aliases | {self.id}


def packages(record: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """Ecosystem and name of each package the record is about, as `Component.key` has them."""
    for affected in record.get("affected") or ():
        package = affected.get("package") or {}
        ecosystem, name = package.get("ecosystem", ""), package.get("name", "")
        yield ecosystem, canonicalize_name(name) if ecosystem == "PyPI" else name


def is_withdrawn(record: Mapping[str, Any]) -> bool:
    """Whether the database has taken the record back."""
    return bool(record.get("withdrawn"))


def judge(
    record: Mapping[str, Any], component: Component, *, affected: bool = False
) -> Advisory | None:
    """What the record says of the component; None when it is not about it.

    Where a version cannot be compared, it is taken to be affected. With `affected` it is known to
    be (the database itself compared), and only the fixed version is looked for.
    """
    if is_withdrawn(record):
        return None
    hits = []
    for entry, about in zip(record.get("affected") or (), packages(record), strict=True):
        if about == (component.ecosystem, component.package):
            hits.append((entry, *_in_entry(entry, component)))
    hit = next((hit for hit in hits if hit[1]), hits[0] if affected and hits else None)
    if hit is None:
        return None
    entry, found, fixed, certain = hit
    upstream = frozenset(record.get("upstream") or ())
    # A distribution's record of one CVE is that CVE; an announcement of several is none of them.
    same = upstream if len(upstream) == 1 else frozenset()
    text = record.get("summary") or record.get("details") or ""
    return Advisory(
        id=record["id"],
        severity=severity.of_record(record, entry),
        summary=" ".join(text.split())[:160],
        aliases=frozenset(record.get("aliases") or ()) | same,
        collects=upstream - same,
        fixed=fixed,
        certain=certain and found,
    )


def _in_entry(entry: Mapping[str, Any], component: Component) -> tuple[bool, str, bool]:
    """Whether it is affected, the version that mends it, and whether that is certain."""
    ecosystem, version = component.ecosystem, component.package_version
    listed = version in (entry.get("versions") or ())
    fixes: list[str] = []
    inside, certain = False, True
    for item in entry.get("ranges") or ():
        if item.get("type") not in ("ECOSYSTEM", "SEMVER"):
            continue  # commits of a repository; the ecosystem's versions are beside them
        try:
            within, fixed = _in_range(ecosystem, version, item.get("events") or ())
        except versions.NotComparableError:
            inside, certain = True, False
            continue
        inside = inside or within
        if fixed:
            fixes.append(fixed)
    if not (listed or inside):
        return False, "", certain
    # Found by more than one range, it is mended where all of them are.
    return True, _highest(ecosystem, fixes), certain or listed


_ORDER = {"fixed": 0, "introduced": 1, "last_affected": 2}
"""The kinds of events, in the order they count at one and the same version."""


def _in_range(
    ecosystem: str, version: str, events: Iterable[Mapping[str, str]]
) -> tuple[bool, str]:
    """Whether the range holds the version, and the first fixed version after it."""
    own = versions.parse(ecosystem, version)
    given = [(kind, value) for event in events for kind, value in event.items() if kind in _ORDER]
    inside = ("introduced", "0") in given  # before every version
    points = [(versions.parse(ecosystem, v), _ORDER[k], k, v) for k, v in given if v != "0"]
    fixed = ""
    for point, _, kind, text in sorted(points, key=lambda item: item[:2]):
        if kind == "introduced" and own >= point:
            inside = True
        elif (kind == "fixed" and own >= point) or (kind == "last_affected" and own > point):
            inside = False
        elif kind == "fixed" and not fixed:
            fixed = text
    return inside, fixed if inside else ""


def _highest(ecosystem: str, fixes: list[str]) -> str:
    return max(fixes, key=lambda v: versions.parse(ecosystem, v), default="")
