"""Whether an image may be released, by what is known of its parts and what could not be asked."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from jhub_docker.release.audit import archive, osv, rules, scanner
from jhub_docker.release.audit.findings import Advisory, Answer, Coverage, merge
from jhub_docker.release.audit.parts import Part, read
from jhub_docker.release.audit.report import Report, Unchecked, day
from jhub_docker.release.audit.rules import Entry, Policy


@dataclass(frozen=True)
class Verdict:
    """`refusals` stop a release, a sentence each; `notes` are for its notes and its record."""

    refusals: tuple[str, ...]
    notes: tuple[str, ...]
    report: Report


def gate(
    root: Path,
    images: Mapping[str, Iterable[str]],
    policy: Policy,
    *,
    now: datetime | None = None,
) -> list[Verdict]:
    """The verdicts on images, by name, with their parts; every source is asked once for all.

    Raises UsageError for allowances that are wrong, before anything is asked.
    """
    now = now or datetime.now(UTC)
    parts = {name: read(purls) for name, purls in images.items()}
    entries = {
        name: rules.allowances([root, root / "packages" / name], now.date()) for name in parts
    }
    answers = ask([part for one in parts.values() for part in one])
    return [
        judge(report(name, own, answers, policy=policy, entries=entries[name], now=now), policy)
        for name, own in parts.items()
    ]


def ask(parts: Sequence[Part]) -> list[Answer]:
    """What all sources say of these parts, Debian's archive last; OSV only what no scanner covers.

    What is out of reach is reported.
    """
    parts = list(dict.fromkeys(parts))
    scanned = scanner.ask(parts)
    covered = {c.ecosystem for c in scanned.coverage if c.reached}
    rest = [part for part in parts if part.ecosystem not in covered]
    return [scanned, osv.ask(rest), archive.ask(parts)]


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
    counts: dict[str, int] = {}
    for part in parts:
        counts[part.ecosystem] = counts.get(part.ecosystem, 0) + 1
    coverage = tuple(
        replace(c, parts=counts[c.ecosystem])
        for answer in answers
        for c in answer.coverage
        if c.ecosystem in counts
    )
    unchecked = tuple(_unchecked(parts, coverage, now - timedelta(days=policy.max_age_days)))
    left, allowed = [], []
    for finding in merge(_without_repeats(answers, set(parts))):
        entry = next((entry for entry in entries if entry.permits(finding)), None)
        if entry:
            allowed.append((finding, entry))
        else:
            left.append(finding)
    used = {entry.where for _, entry in allowed}
    # An entry about what nobody could check may still be needed.
    untold = [part for group in unchecked for part in group.parts]
    blind = [name for part in untold for name in (part.name, part.package)]
    unused = tuple(e for e in entries if e.where not in used and not e.about(blind))
    return Report(subject, len(parts), coverage, unchecked, tuple(left), tuple(allowed), unused)


def judge(found: Report, policy: Policy) -> Verdict:
    """The verdict on a report. Pure."""
    refusals = [
        f"{finding}; mend it, or allow it with a reason in {rules.FILE}"
        for finding in found.findings
        if finding.severity.reaches(policy.severity)
    ]
    if not policy.accept_unreached:
        refusals += [
            f"{len(group.parts)} parts from {group.kind} could not be checked ({group.reason}); "
            "put grype, trivy or osv-scanner with its database on PATH, or accept to release them "
            "unchecked"
            for group in found.unchecked
            if group.possible
        ]
    return Verdict(tuple(refusals), tuple(_notes(found)), found)


def _without_repeats(answers: Sequence[Answer], parts: set[Part]) -> list[tuple[Part, Advisory]]:
    """What was found of these parts; a waiting update only where nothing named speaks of it."""
    *named, waiting = answers
    found = [pair for answer in named for pair in answer.found if pair[0] in parts]
    mended = {part.key for part, advisory in found if advisory.fixed}
    return found + [p for p in waiting.found if p[0] in parts and p[0].key not in mended]


def _unchecked(
    parts: Iterable[Part], coverage: Sequence[Coverage], oldest: datetime
) -> Iterable[Unchecked]:
    """The parts that no source covers. A source whose data are older than that covers nothing."""
    kinds: dict[str, list[Part]] = {}
    for part in parts:
        kinds.setdefault(part.kind, []).append(part)
    for kind, members in sorted(kinds.items()):
        answers = [c for c in coverage if c.ecosystem == kind]
        if any(c.reached and c.date and c.date >= oldest for c in answers):
            continue
        possible = bool(members[0].ecosystem)
        reasons = [
            f"{c.source}: " + (f"its data of {day(c.date)} are too old" if c.reached else c.note)
            for c in answers
        ]
        reason = "; ".join(reasons) if possible else "no vulnerability database has this kind"
        yield Unchecked(kind, tuple(members), reason or "no source was asked", possible)


def _notes(found: Report) -> Iterable[str]:
    for c in found.coverage:
        if c.reached:
            yield (
                f"{c.parts} parts from {c.ecosystem} checked against {c.source}, "
                f"data of {day(c.date)} ({c.note})"
            )
    for group in found.unchecked:
        yield f"{len(group.parts)} parts from {group.kind} NOT checked: {group.reason}"
    for finding in found.findings:
        yield f"known: {finding}"
    for finding, entry in found.allowed:
        yield f"allowed: {finding}; until {entry.expires}: {entry.reason}"
