"""A report for people: what was asked, what nobody was asked about, then what was found."""

from collections.abc import Iterable

from jhub_docker.release.audit.findings import Finding
from jhub_docker.release.audit.report import Report, day
from jhub_docker.table import render

_NAMED = 12
"""Parts of one kind that are named; of more, only how many there are (`--json` has all)."""


def text(report: Report) -> str:
    """The whole report. It never says that nothing was found without saying where was looked."""
    sections = [
        f"{report.subject}: {report.checked} of {report.components} parts checked",
        _sources(report),
        *_unchecked(report),
        _findings(report),
        *(f"allowed until {e.expires}: {f}; {e.reason}" for f, e in report.allowed),
        *(f"permits nothing in this image: {entry.where}" for entry in report.unused),
    ]
    return "\n\n".join(section for section in sections if section)


def _sources(report: Report) -> str:
    rows = [
        (
            c.source,
            c.ecosystem,
            "reached" if c.reached else "NOT REACHED",
            day(c.date),
            str(c.components),
            c.note,
        )
        for c in report.coverage
    ]
    columns = ("source", "ecosystem", "", "data of", "parts", "what it knows, or why not")
    return render(columns, rows, right=("parts",)) if rows else "no source was asked"


def _unchecked(report: Report) -> Iterable[str]:
    for group in report.unchecked:
        names = [f"{c.name} {c.version}".strip() for c in group.components[:_NAMED]]
        more = len(group.components) - len(names)
        listing = ", ".join(names) + (f" and {more} more" if more else "")
        yield f"NOT CHECKED, {group.kind} ({group.reason}):\n  {listing}"


def _findings(report: Report) -> str:
    if not report.checked:
        return "Nothing could be checked: this says nothing about vulnerabilities."
    if not report.findings:
        return "Of the parts that were checked, no vulnerability is known to these sources."
    columns = ("severity", "package", "version", "vulnerability", "fixed in", "what")
    return render(columns, [_row(finding) for finding in report.findings])


def _row(finding: Finding) -> tuple[str, ...]:
    certain = "" if finding.certain else "its version cannot be compared; "
    return (
        str(finding.severity),
        finding.package,
        finding.version,
        finding.id,
        finding.fixed or "none yet",
        certain + finding.summary,
    )
