"""What sources answer, and what was found: each vulnerability of a package once."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import NamedTuple

from jhub_docker.release.audit.parts import Part


class Severity(IntEnum):
    """CVSS' qualitative scale (specification 3.1, table 14); `UNKNOWN` is what nobody has rated."""

    UNKNOWN = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4

    def __str__(self) -> str:
        return self.name.lower()

    def reaches(self, limit: "Severity") -> bool:
        """Whether it is as bad as `limit` or worse. What nobody has rated may be, so it is."""
        return self is Severity.UNKNOWN or self >= limit


_BY_WORD = {
    **dict.fromkeys(("none", "negligible", "unimportant", "low"), Severity.LOW),
    **dict.fromkeys(("moderate", "medium"), Severity.MEDIUM),
    **dict.fromkeys(("important", "high"), Severity.HIGH),
    "critical": Severity.CRITICAL,
}


def rated(word: str) -> Severity:
    """The severity that a database's word means; UNKNOWN for what says nothing."""
    return _BY_WORD.get(word.lower(), Severity.UNKNOWN)


def short(text: str) -> str:
    """A database's text as one line."""
    return " ".join(text.split())[:160]


@dataclass(frozen=True)
class Advisory:
    """What one source says of one part.

    `aliases` are other names of the same vulnerability; `collects` those of several that an
    announcement (Debian's DSA) speaks of. `fixed` are versions without it, one for each line of
    versions that was mended.
    """

    id: str
    severity: Severity
    summary: str = ""
    aliases: frozenset[str] = frozenset()
    collects: frozenset[str] = frozenset()
    fixed: tuple[str, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """All names of it."""
        return self.aliases | {self.id}


Said = list[tuple[Part, Advisory]]
"""The advisories that are about parts, each with its part."""


class Source(NamedTuple):
    """Who knows vulnerabilities.

    `ask` gives what is said of parts and the date of its data: its database's, or the moment a
    service answered. It raises what reading a strange answer raises, for half an answer is none.
    """

    name: str
    ask: Callable[[list[Part]], tuple[Said, datetime]]


@dataclass(frozen=True)
class Answer:
    """What the first source that was reached said of all parts that databases have.

    `date` is that of its data, None where there was none; `unreached` says of others why not.
    """

    source: str = ""
    date: datetime | None = None
    found: Said = field(default_factory=list, repr=False)
    unreached: tuple[str, ...] = ()


@dataclass(frozen=True)
class Finding:
    """One vulnerability of one package in one version; `parts` are those made from it.

    `names` are all its identifiers, the best known first; `fixed` is empty where no fix is known.
    """

    names: tuple[str, ...]
    parts: tuple[Part, ...]
    severity: Severity
    summary: str
    fixed: tuple[str, ...]

    @property
    def id(self) -> str:
        """The name to call it by."""
        return self.names[0]

    @property
    def package(self) -> str:
        """The package as advisories call it."""
        return self.parts[0].package

    def __str__(self) -> str:
        fixed = f"fixed in {' and '.join(self.fixed)}" if self.fixed else "no fix is known"
        version = self.parts[0].package_version
        what = f": {self.summary}" if self.summary else ""
        return f"{self.package} {version}: {self.id} ({self.severity}), {fixed}{what}"


_PREFERRED = {"CVE": 0, "GHSA": 1, "PYSEC": 2}


def _best_known(name: str) -> tuple[int, str]:
    return _PREFERRED.get(name.partition("-")[0], 3), name


def merge(found: Iterable[tuple[Part, Advisory]]) -> list[Finding]:
    """One finding per vulnerability and package, the worst first.

    Advisories of which one names another are one; the severity is the worst that was given. An
    announcement whose every vulnerability was found by itself is left out.
    """
    packages: dict[tuple[str, str, str], tuple[dict[str, Part], list[Advisory]]] = {}
    for part, advisory in found:
        parts, advisories = packages.setdefault(part.key, ({}, []))
        parts[part.purl] = part
        if advisory not in advisories:
            advisories.append(advisory)
    findings = []
    for parts, advisories in packages.values():
        single = {name for a in advisories if not a.collects for name in a.names}
        groups: dict[str, list[Advisory]] = {}
        for one in advisories:
            if not one.collects or not one.collects <= single:
                linked = (
                    name for other in advisories if other.names & one.names for name in other.names
                )
                groups.setdefault(min(linked, key=_best_known), []).append(one)
        ordered = tuple(sorted(parts.values(), key=lambda part: part.name))
        findings += [_finding(ordered, group) for group in groups.values()]

    def place(one: Finding) -> tuple[float, str, str, str]:
        worst = 2.5 if one.severity is Severity.UNKNOWN else one.severity  # between high and medium
        return -worst, one.parts[0].ecosystem, one.package, one.id

    return sorted(findings, key=place)


def _finding(parts: tuple[Part, ...], group: Sequence[Advisory]) -> Finding:
    return Finding(
        names=tuple(sorted({name for one in group for name in one.names}, key=_best_known)),
        parts=parts,
        severity=max(advisory.severity for advisory in group),
        summary=next((advisory.summary for advisory in group if advisory.summary), ""),
        fixed=tuple(dict.fromkeys(version for advisory in group for version in advisory.fixed)),
    )
