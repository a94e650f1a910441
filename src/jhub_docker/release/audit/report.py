"""What an audit found, what it asked, and what nobody could be asked about."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import Any

from jhub_docker.release.audit.findings import Coverage, Finding, Severity
from jhub_docker.release.audit.parts import Part
from jhub_docker.release.audit.rules import Entry
from jhub_docker.table import render

_NAMED = 12
"""Parts of one kind that are named; of more, only how many there are (`--json` has all)."""


@dataclass(frozen=True)
class Unchecked:
    """Parts of one kind that no source covered, and why.

    `possible` is false where no database exists at all, so that reaching more would not help.
    """

    kind: str
    parts: tuple[Part, ...]
    reason: str
    possible: bool


@dataclass(frozen=True)
class Report:
    """The result of one audit. `findings` are those nobody has allowed, worst first."""

    subject: str
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

    def text(self) -> str:
        """The report for people: what was asked, what nobody was asked about, what was found.

        It never says that nothing was found without saying where was looked.
        """
        sections = [
            f"{self.subject}: {self.checked} of {self.parts} parts checked",
            self._sources(),
            *self._not_checked(),
            self._found(),
            *(f"allowed until {e.expires}: {f}; {e.reason}" for f, e in self.allowed),
            *(f"permits nothing in this image: {entry.where}" for entry in self.unused),
        ]
        return "\n\n".join(section for section in sections if section)

    def _sources(self) -> str:
        rows = [
            (c.source, c.ecosystem, "reached" if c.reached else "NOT REACHED", day(c.date),
             str(c.parts), c.note)
            for c in self.coverage
        ]  # fmt: skip
        columns = ("source", "ecosystem", "", "data of", "parts", "what it knows, or why not")
        return render(columns, rows, right=("parts",)) if rows else "no source was asked"

    def _not_checked(self) -> Iterable[str]:
        for group in self.unchecked:
            names = [f"{part.name} {part.version}".strip() for part in group.parts[:_NAMED]]
            more = len(group.parts) - len(names)
            listing = ", ".join(names) + (f" and {more} more" if more else "")
            yield f"NOT CHECKED, {group.kind} ({group.reason}):\n  {listing}"

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


def day(moment: datetime | None) -> str:
    """The day of data as people read it, in UTC; empty where there is none."""
    return "" if moment is None else moment.astimezone(UTC).date().isoformat()
