"""What an audit found, what it asked, and what nobody could be asked about."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from jhub_docker.release.audit.allow import Entry
from jhub_docker.release.audit.components import Component
from jhub_docker.release.audit.findings import Finding
from jhub_docker.release.audit.sources.answer import Coverage
from jhub_docker.release.audit.versions import COVERED


@dataclass(frozen=True)
class Unchecked:
    """Parts of one kind that no source covered, and why.

    `possible` is false where no database exists at all, so that reaching more would not help.
    """

    kind: str
    components: tuple[Component, ...]
    reason: str
    possible: bool


@dataclass(frozen=True)
class Report:
    """The result of one audit. `findings` are those nobody has allowed, worst first."""

    subject: str
    components: int
    coverage: tuple[Coverage, ...]
    unchecked: tuple[Unchecked, ...]
    findings: tuple[Finding, ...]
    allowed: tuple[tuple[Finding, Entry], ...]
    unused: tuple[Entry, ...]

    @property
    def checked(self) -> int:
        """How many parts at least one source could say something about."""
        return self.components - sum(len(group.components) for group in self.unchecked)

    def to_json(self) -> dict[str, Any]:
        """The report for programs, and for the record of a release."""
        return {
            "subject": self.subject,
            "components": self.components,
            "checked": self.checked,
            "sources": [
                {
                    "source": c.source,
                    "ecosystem": c.ecosystem,
                    "reached": c.reached,
                    "components": c.components,
                    "date": day(c.date) or None,
                    "note": c.note,
                }
                for c in self.coverage
            ],
            "not_checked": [
                {
                    "kind": group.kind,
                    "reason": group.reason,
                    "database_exists": group.possible,
                    "components": [c.purl for c in group.components],
                }
                for group in self.unchecked
            ],
            "findings": [_finding(finding) for finding in self.findings],
            "allowed": [
                {**_finding(f), "reason": e.reason, "expires": e.expires.isoformat()}
                for f, e in self.allowed
            ],
            "unused_allowances": [f"{entry.where}: {entry}" for entry in self.unused],
        }


def day(moment: datetime | None) -> str:
    """The day of data as people read it, in UTC; empty where there is none."""
    return "" if moment is None else moment.astimezone(UTC).date().isoformat()


def unchecked(
    components: Iterable[Component],
    coverage: Sequence[Coverage],
    *,
    now: datetime,
    max_age_days: int,
) -> tuple[Unchecked, ...]:
    """The parts that no source covers. A source whose data are older than that covers nothing."""
    kinds: dict[str, list[Component]] = {}
    for component in components:
        kinds.setdefault(component.kind, []).append(component)
    groups = []
    for kind, members in sorted(kinds.items()):
        answers = [c for c in coverage if c.ecosystem == kind]
        if any(_counts(answer, now, max_age_days) for answer in answers):
            continue
        possible = bool(members[0].ecosystem)
        reasons = [
            f"{a.source}: {a.note}"
            if not a.reached
            else f"{a.source}: its data of {day(a.date)} are older than {max_age_days} days"
            for a in answers
        ]
        reason = "; ".join(reasons) if possible else "no vulnerability database has this kind"
        groups.append(Unchecked(kind, tuple(members), reason or "no source was asked", possible))
    return tuple(groups)


def _counts(answer: Coverage, now: datetime, max_age_days: int) -> bool:
    fresh = answer.date is not None and now - answer.date <= timedelta(days=max_age_days)
    return answer.reached and fresh and answer.ecosystem.partition(":")[0] in COVERED


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "id": finding.id,
        "names": list(finding.names),
        "ecosystem": finding.ecosystem,
        "package": finding.package,
        "version": finding.version,
        "components": [component.purl for component in finding.components],
        "severity": str(finding.severity),
        "fixed": finding.fixed or None,
        "certain": finding.certain,
        "summary": finding.summary,
    }
