"""Whether an image may be released, by what is known of its parts and what could not be asked."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from jhub_docker.release.audit import allow, policy
from jhub_docker.release.audit.examine import ask, database, report
from jhub_docker.release.audit.policy import Policy
from jhub_docker.release.audit.report import Report, day


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
    rules = policy.read(root)
    rules = replace(rules, accept_unreached=accept_unreached or rules.accept_unreached)
    (verdict,) = each(root, {image: purls}, rules, copied=database(), now=now)
    return verdict


def each(
    root: Path,
    images: Mapping[str, Iterable[str]],
    rules: Policy,
    *,
    copied: Path | None = None,
    now: datetime | None = None,
) -> list[Verdict]:
    """The verdicts on several images, by name, with their parts; every source is asked once.

    `copied` is a local copy of OSV's database. Raises UsageError for allowances or a copy that
    cannot be used.
    """
    now = now or datetime.now(UTC)
    parts = {name: list(purls) for name, purls in images.items()}
    entries = {
        name: allow.read([root, root / "packages" / name], now.date()) for name in parts
    }  # wrong ones are told before anything is asked
    answers = ask((purl for purls in parts.values() for purl in purls), copied)
    return [
        judge(report(name, purls, answers, policy=rules, entries=entries[name], now=now), rules)
        for name, purls in parts.items()
    ]


def judge(found: Report, rules: Policy) -> Verdict:
    """The verdict on a report; pure."""
    refusals = [
        f"{finding}; mend it, or allow it with a reason in {allow.FILE}"
        for finding in found.findings
        if finding.severity.reaches(rules.severity)
    ]
    unreached = [group for group in found.unchecked if group.possible]
    if not rules.accept_unreached:
        refusals += [
            f"{len(group.components)} parts from {group.kind} could not be checked "
            f"({group.reason}); give a local copy of OSV's database in "
            "JHUB_DOCKER_AUDIT_DATABASE, or accept to release them unchecked"
            for group in unreached
        ]
    return Verdict(tuple(refusals), tuple(_notes(found)), found)


def _notes(found: Report) -> Iterable[str]:
    for c in found.coverage:
        if c.reached:
            yield (
                f"{c.components} parts from {c.ecosystem} checked against {c.source}, "
                f"data of {day(c.date)} ({c.note})"
            )
    for group in found.unchecked:
        yield f"{len(group.components)} parts from {group.kind} NOT checked: {group.reason}"
    for finding in found.findings:
        yield f"known: {finding}"
    for finding, entry in found.allowed:
        yield f"allowed: {finding}; until {entry.expires}: {entry.reason}"
