"""Whether an image may be released, by what is known of its parts and what could not be asked."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from jhub_docker.audit import allow, policy
from jhub_docker.audit.examine import database, examine
from jhub_docker.audit.policy import Policy
from jhub_docker.audit.report import Report, day


@dataclass(frozen=True)
class Verdict:
    """`refusals` stop a release, a sentence each; `notes` are for its notes and its record."""

    refusals: tuple[str, ...]
    notes: tuple[str, ...]
    report: Report

    @property
    def passed(self) -> bool:
        """Whether nothing stops the release."""
        return not self.refusals


def gate(
    root: Path,
    image: str,
    purls: Iterable[str],
    *,
    accept_unreached: bool = False,
    now: datetime | None = None,
) -> Verdict:
    """Judge the image called `image` with these parts by the rules of the checkout in `root`.

    `accept_unreached` lets a release through although parts could not be checked; its notes say
    which. Raises UsageError for wrong rules or allowances.
    """
    now = now or datetime.now(UTC)
    rules = policy.read(root)
    entries = allow.read([root, root / "packages" / image], now.date())
    report = examine(image, purls, rules, entries, copied=database(), now=now)
    return judge(report, rules, accept_unreached=accept_unreached)


def judge(report: Report, rules: Policy, *, accept_unreached: bool = False) -> Verdict:
    """The verdict on a report; pure."""
    refusals = [
        f"{finding}; mend it, or allow it with a reason in {allow.FILE}"
        for finding in report.findings
        if finding.severity.reaches(rules.severity)
    ]
    unreached = [group for group in report.unchecked if group.possible]
    if unreached and not (accept_unreached or rules.accept_unreached):
        refusals += [
            f"{len(group.components)} parts from {group.kind} could not be checked "
            f"({group.reason}); give a local copy of OSV's database in "
            "JHUB_DOCKER_AUDIT_DATABASE, or accept to release them unchecked"
            for group in unreached
        ]
    return Verdict(tuple(refusals), tuple(_notes(report)), report)


def _notes(report: Report) -> Iterable[str]:
    for c in report.coverage:
        if c.reached:
            yield (
                f"{c.components} parts from {c.ecosystem} checked against {c.source}, "
                f"data of {day(c.date)} ({c.note})"
            )
    for group in report.unchecked:
        yield f"{len(group.components)} parts from {group.kind} NOT checked: {group.reason}"
    for finding in report.findings:
        yield f"known: {finding}"
    for finding, entry in report.allowed:
        yield f"allowed: {finding}; until {entry.expires}: {entry.reason}"
