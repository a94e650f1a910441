"""Whether an image may be released, by what is known of its parts and what could not be asked."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

from jhub_docker.release.audit import osv, rules, scanner
from jhub_docker.release.audit.findings import Answer, Coverage, Finding, Severity, merge
from jhub_docker.release.audit.parts import Part, read
from jhub_docker.release.audit.rules import Entry, Policy
from jhub_docker.table import counted, render

_NAMED = 12
"""Parts of one kind that are named; of more, only how many there are (`--json` has all)."""


@dataclass(frozen=True)
class Unchecked:
    """Parts of one kind that no source covered, and why; `possible`: more reach would help."""

    kind: str
    parts: tuple[Part, ...]
    reason: str
    possible: bool


@dataclass(frozen=True)
class Report:
    """The result of one audit. `findings` are those nobody has allowed, worst first."""

    subject: str
    policy: Policy
    parts: int
    coverage: tuple[Coverage, ...]
    unchecked: tuple[Unchecked, ...]
    findings: tuple[Finding, ...]
    allowed: tuple[tuple[Finding, Entry], ...]
    unused: tuple[Entry, ...]

    @property
    def checked(self) -> int:
        """How many parts at least one source could say something about."""
        return self.parts - sum(len(group.parts) for group in self.unchecked)

    @property
    def refusals(self) -> list[str]:
        """What stops a release, a sentence each."""
        against = [
            f"{finding}; mend it, or allow it with a reason in {rules.FILE}"
            for finding in self.findings
            if finding.severity.reaches(self.policy.severity)
        ]
        unchecked = [] if self.policy.accept_unreached else self.unchecked
        return against + [
            f"{counted(len(group.parts), 'part')} from {group.kind} could not be checked "
            f"({group.reason}); put grype or trivy with its database on PATH, or "
            "accept to release them unchecked"
            for group in unchecked
            if group.possible
        ]

    @property
    def notes(self) -> list[str]:
        """What belongs into the release's notes and its record."""
        return [
            *self._checked,
            *(
                f"{counted(len(g.parts), 'part')} from {g.kind} NOT checked: {g.reason}"
                for g in self.unchecked
            ),
            *(f"known: {finding}" for finding in self.findings),
            *(f"allowed: {f}; until {entry.expires}: {entry.reason}" for f, entry in self.allowed),
        ]

    def text(self) -> str:
        """The report for people: what was asked, what nobody was asked about, what was found.

        It never says that nothing was found without saying where was looked.
        """
        sections = [
            f"{self.subject}: {self.checked} of {self.parts} parts checked",
            "\n".join(self._checked) or "no source was reached",
            *map(_not_checked, self.unchecked),
            self._found(),
            *(f"allowed until {e.expires}: {f}; {e.reason}" for f, e in self.allowed),
            *(f"permits nothing in this image: {entry.where}" for entry in self.unused),
        ]
        return "\n\n".join(section for section in sections if section)

    @property
    def _checked(self) -> list[str]:
        return [
            f"{counted(c.parts, 'part')} from {c.ecosystem} checked against {c.source}, "
            f"data of {day(c.date)} ({c.note})"
            for c in self.coverage
            if c.reached
        ]

    def _found(self) -> str:
        if not self.checked:
            return "Nothing could be checked: this says nothing about vulnerabilities."
        if not self.findings:
            return "Of the parts that were checked, no vulnerability is known to these sources."
        rows = [
            (str(f.severity), f.package, f.parts[0].package_version, f.id,
             " and ".join(f.fixed) or "none yet", f.summary)
            for f in self.findings
        ]  # fmt: skip
        columns = ("severity", "package", "version", "vulnerability", "fixed in", "what")
        return render(columns, rows)

    def to_json(self) -> dict[str, Any]:
        """The report for programs, by the names that are used here."""

        def plain(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
            return {k: str(v) if isinstance(v, (Severity, date)) else v for k, v in pairs}

        return {"checked": self.checked, **asdict(self, dict_factory=plain)}


def gate(
    root: Path, images: Mapping[str, Iterable[str]], policy: Policy, *, now: datetime | None = None
) -> list[Report]:
    """The reports on images, by name, with their parts; every source is asked once for all.

    Raises UsageError for allowances that are wrong, before anything is asked.
    """
    now = now or datetime.now(UTC)
    parts = {name: read(purls) for name, purls in images.items()}
    folders = {name: [root, root / "packages" / name] for name in parts}
    entries = {name: rules.allowances(folders[name], now.date()) for name in parts}
    answers = ask([part for one in parts.values() for part in one])
    return [
        report(name, own, answers, policy=policy, entries=entries[name], now=now)
        for name, own in parts.items()
    ]


def ask(parts: Iterable[Part]) -> list[Answer]:
    """What a scanner on PATH says of these parts, or else OSV."""
    parts = list(dict.fromkeys(parts))
    scanned = scanner.ask(parts)
    if any(one.reached for one in scanned.coverage):
        return [scanned]
    return [scanned, osv.ask(parts)]


def report(
    subject: str,
    parts: Sequence[Part],
    answers: Sequence[Answer],
    *,
    policy: Policy,
    entries: Sequence[Entry],
    now: datetime,
) -> Report:
    """The report on one image with these parts, from answers about these parts or more. Pure."""
    counts = Counter(part.ecosystem for part in parts)
    coverage = tuple(
        replace(c, parts=counts[c.ecosystem])
        for answer in answers
        for c in answer.coverage
        if c.ecosystem in counts
    )
    unchecked = tuple(_unchecked(parts, coverage, now - timedelta(days=policy.max_age_days)))
    own, left, allowed = set(parts), [], []
    for finding in merge(pair for answer in answers for pair in answer.found if pair[0] in own):
        if entry := next((entry for entry in entries if entry.permits(finding)), None):
            allowed.append((finding, entry))
        else:
            left.append(finding)
    used = {entry.where for _, entry in allowed}
    # An entry about what nobody could check may still be needed.
    blind = [name for group in unchecked for p in group.parts for name in (p.name, p.package)]
    unused = tuple(e for e in entries if e.where not in used and not e.about(blind))
    found = coverage, unchecked, tuple(left), tuple(allowed), unused
    return Report(subject, policy, len(parts), *found)


def day(moment: datetime | None) -> str:
    """The day of data as people read it, in UTC; empty where there is none."""
    return "" if moment is None else moment.astimezone(UTC).date().isoformat()


def _not_checked(group: Unchecked) -> str:
    names = [f"{part.name} {part.version}".strip() for part in group.parts[:_NAMED]]
    more = len(group.parts) - len(names)
    listing = ", ".join(names) + (f" and {more} more" if more else "")
    return f"NOT CHECKED, {group.kind} ({group.reason}):\n  {listing}"


def _unchecked(
    parts: Iterable[Part], coverage: Sequence[Coverage], oldest: datetime
) -> Iterable[Unchecked]:
    """The parts that no source covers. A source whose data are older than that covers nothing."""
    for kind, group in groupby(sorted(parts, key=lambda one: one.kind), lambda one: one.kind):
        answers = [c for c in coverage if c.ecosystem == kind]
        if any(c.reached and c.date and c.date >= oldest for c in answers):
            continue
        members = tuple(group)
        possible = bool(members[0].ecosystem)
        reason = "; ".join(
            f"{c.source}: " + (f"its data of {day(c.date)} are too old" if c.reached else c.note)
            for c in answers
        )
        if not possible:
            reason = "no vulnerability database has this kind"
        yield Unchecked(kind, members, reason or "no source was asked", possible)
