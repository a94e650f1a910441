"""Audits from parts to reports: sources asked once for all images, answers split and merged."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from jhub_docker.errors import UsageError
from jhub_docker.release.audit import allow, components, findings
from jhub_docker.release.audit.allow import Entry
from jhub_docker.release.audit.components import Component
from jhub_docker.release.audit.osv import Advisory
from jhub_docker.release.audit.policy import Policy
from jhub_docker.release.audit.report import Report, Unchecked, unchecked
from jhub_docker.release.audit.sources import api, archive, copy
from jhub_docker.release.audit.sources.answer import Answer


def database(given: str = "", environment: Mapping[str, str] = os.environ) -> Path | None:
    """The local copy to use: the one `given`, else JHUB_DOCKER_AUDIT_DATABASE, else none.

    Raises UsageError when there is nothing at that path.
    """
    path = given or environment.get("JHUB_DOCKER_AUDIT_DATABASE", "")
    if path and not Path(path).exists():
        raise UsageError(f"there is no vulnerability database at {path}; expected a folder or zip")
    return Path(path) if path else None


def ask(purls: Iterable[str], copied: Path | None = None) -> list[Answer]:
    """What all sources say of these parts.

    With a local copy (`copied`) OSV's service is asked only about what the copy does not cover.
    Raises UsageError for a purl or a copy that cannot be used; what is out of reach is reported.
    """
    parts = components.read(purls)
    answers = [copy.ask(copied, parts)] if copied else []
    covered = {c.ecosystem for answer in answers for c in answer.coverage if c.reached}
    rest = [part for part in parts if part.ecosystem and part.ecosystem not in covered]
    return [*answers, api.ask(rest), archive.ask(parts)]


def report(
    subject: str,
    purls: Iterable[str],
    answers: Sequence[Answer],
    *,
    policy: Policy,
    entries: Sequence[Entry],
    now: datetime,
) -> Report:
    """The report on one image with these parts, from answers about these parts or more."""
    parts = components.read(purls)
    own = [_about(answer, parts) for answer in answers]
    coverage = tuple(c for answer in own for c in answer.coverage)
    missing = unchecked(parts, coverage, now=now, max_age_days=policy.max_age_days)
    left, allowed = allow.split(findings.merge(_without_repeats(own)), entries)
    return Report(
        subject=subject,
        components=len(parts),
        coverage=coverage,
        unchecked=missing,
        findings=tuple(left),
        allowed=tuple(allowed),
        unused=_unused(entries, {entry.where for _, entry in allowed}, missing),
    )


def _about(answer: Answer, parts: Sequence[Component]) -> Answer:
    known = set(parts)
    counts: dict[str, int] = {}
    for part in parts:
        counts[part.ecosystem] = counts.get(part.ecosystem, 0) + 1
    return Answer(
        [(component, advisory) for component, advisory in answer.found if component in known],
        [
            replace(c, components=counts[c.ecosystem])
            for c in answer.coverage
            if c.ecosystem in counts
        ],
    )


def _without_repeats(answers: Sequence[Answer]) -> list[tuple[Component, Advisory]]:
    """All that was found; a waiting update only where no named vulnerability speaks of it."""
    *named, waiting = answers
    found = [pair for answer in named for pair in answer.found]
    mended = {component.key for component, advisory in found if advisory.fixed}
    return found + [pair for pair in waiting.found if pair[0].key not in mended]


def _unused(
    entries: Sequence[Entry], used: set[str], missing: Sequence[Unchecked]
) -> tuple[Entry, ...]:
    """The entries that permitted nothing, but those about parts that nobody could check."""
    blind = [name for group in missing for c in group.components for name in (c.name, c.package)]
    return tuple(e for e in entries if e.where not in used and not e.about(blind))
