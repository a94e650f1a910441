"""Whether an image may be released, by what is known of its parts and what could not be asked."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from jhub_docker.release.audit import osv, rules, scanner
from jhub_docker.release.audit.findings import Answer, Finding, Severity, merge
from jhub_docker.release.audit.parts import Part, read
from jhub_docker.release.audit.rules import Entry
from jhub_docker.table import counted, some

_NAMED = 12
"""Parts of one kind that are named; of more, only how many there are (`--json` has all)."""


@dataclass(frozen=True)
class Unchecked:
    """Parts of one kind that no source covered, and why; `possible`: more reach would help."""

    kind: str
    parts: tuple[Part, ...]
    reason: str
    possible: bool

    def __str__(self) -> str:
        return f"{counted(len(self.parts), 'part')} from {self.kind}"


@dataclass(frozen=True)
class Report:
    """The result of one audit, against findings from `limit` on.

    `checked` counts the parts of each ecosystem that a source covers; `findings` are those nobody
    has allowed, worst first; `unused` are allowances of what is not in the image.
    """

    subject: str
    limit: Severity
    answer: Answer
    checked: Mapping[str, int]
    unchecked: tuple[Unchecked, ...]
    findings: tuple[Finding, ...]
    allowed: tuple[tuple[Finding, Entry], ...]
    unused: tuple[Entry, ...]

    def refusals(self, *, accept_unreached: bool = False) -> list[str]:
        """What stops a release, a sentence each."""
        against = [
            f"{finding}; mend it, or allow it with a reason in {rules.FILE}"
            for finding in self.findings
            if finding.severity.reaches(self.limit)
        ]
        return against + [
            f"{group} could not be checked ({group.reason}); put grype or trivy with its database "
            "on PATH, or accept to release them unchecked"
            for group in self.unchecked
            if group.possible and not accept_unreached
        ]

    @property
    def notes(self) -> list[str]:
        """What was asked, what nobody was asked about, what was found: in words, for the record.

        It never says that nothing was found without saying where was looked.
        """
        counts = ", ".join(f"{counted(n, 'part')} from {kind}" for kind, n in self.checked.items())
        source, date = self.answer.source, self.answer.date
        asked = f"{counts} checked against {source}, data of {date:%Y-%m-%d}" if date else ""
        nothing = "of what was checked, no vulnerability is known to these sources"
        return [
            asked or "no source was reached",
            *(
                f"{g} NOT checked ({g.reason}): "
                + some((f"{one.name} {one.version}".strip() for one in g.parts), _NAMED)
                for g in self.unchecked
            ),
            *(f"known: {finding}" for finding in self.findings),
            *([nothing] if self.checked and not self.findings else []),
            *(f"allowed until {e.expires}: {found}; {e.reason}" for found, e in self.allowed),
            *(f"permits nothing in this image: {e.id} in {e.package}" for e in self.unused),
        ]

    def to_json(self) -> dict[str, Any]:
        """The report for programs, by the names that are used here."""

        def plain(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
            return {k: str(v) if isinstance(v, (Severity, date)) else v for k, v in pairs}

        return asdict(self, dict_factory=plain)


def gate(root: Path, images: Mapping[str, Iterable[str]]) -> list[Report]:
    """The reports on images, by name, with their parts; every source is asked once for all.

    Raises UsageError for rules and allowances that are wrong, before anything is asked.
    """
    limit, today = rules.limit(root), datetime.now(UTC).date()
    parts = {name: read(purls) for name, purls in images.items()}
    folders = {name: [root, root / "packages" / name] for name in parts}
    entries = {name: rules.allowances(folders[name], today) for name in parts}
    answer = ask(dict.fromkeys(part for one in parts.values() for part in one))
    return [report(name, limit, own, answer, entries[name]) for name, own in parts.items()]


def ask(parts: Iterable[Part]) -> Answer:
    """What a scanner on PATH says of these parts, or else OSV."""
    known, unreached = [part for part in parts if part.ecosystem], list[str]()
    for source in (*scanner.here(), osv.service()):
        try:
            found, date = source.ask(known)
        except (OSError, LookupError, ValueError, TypeError, AttributeError) as error:
            unreached.append(f"{source.name}: it gave no answer that can be read ({error})")
        else:
            return Answer(source.name, date, found, tuple(unreached))
    return Answer(unreached=tuple(unreached))


def report(
    subject: str,
    limit: Severity,
    parts: Sequence[Part],
    answer: Answer,
    entries: Sequence[Entry],
) -> Report:
    """The report on one image with these parts, from an answer about these parts or more. Pure."""
    unchecked = tuple(_unchecked(parts, answer))
    blind = {part for group in unchecked for part in group.parts}
    checked = dict(Counter(part.kind for part in parts if part not in blind))
    own, left, allowed = set(parts), [], []
    for finding in merge(pair for pair in answer.found if pair[0] in own):
        if entry := next((entry for entry in entries if entry.permits(finding)), None):
            allowed.append((finding, entry))
        else:
            left.append(finding)
    used = [entry for _, entry in allowed]
    # An entry about what nobody could check may still be needed.
    names = [name for part in blind for name in (part.name, part.package)]
    unused = tuple(e for e in entries if e not in used and not e.about(names))
    found = checked, unchecked, tuple(left), tuple(allowed), unused
    return Report(subject, limit, replace(answer, found=[]), *found)


def _unchecked(parts: Iterable[Part], answer: Answer) -> Iterable[Unchecked]:
    """The parts that no source covers."""
    kinds: dict[str, list[Part]] = {}
    for part in parts:
        kinds.setdefault(part.kind, []).append(part)
    for kind, members in sorted(kinds.items()):
        if not members[0].ecosystem:
            yield Unchecked(kind, tuple(members), "no vulnerability database has this kind", False)
        elif not answer.date:
            yield Unchecked(kind, tuple(members), "; ".join(answer.unreached), True)
