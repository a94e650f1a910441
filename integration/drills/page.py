"""docs/drills.md: its table, a row for each fault; what is said around it is written by hand."""

import os
from collections.abc import Collection, Iterable
from pathlib import Path

from .drill import Row

WRITES = bool(os.environ.get("JHUB_TEST_WRITE_DOCS"))
PAGE = Path(__file__).parents[2] / "docs" / "drills.md"
RULE = "| --- | --- | --- | --- | --- |\n"


def line(row: Row) -> str:
    """One row of the table."""
    told = "; ".join(f"“{said}”" for said in row.told[:2]).replace("|", "/")
    counts = f"{row.refused} and {row.unanswered} of {row.done + row.refused + row.unanswered}"
    return f"| {row.fault} | {row.lost} | {row.well:.0f} s | {counts} | {told or 'nothing'} |"


def parts(text: str) -> tuple[str, dict[str, str], str]:
    """What is before the rows of a page, its rows by what breaks, and what is behind them."""
    before, _, rest = text.partition(RULE)
    table, _, after = rest.partition("\n\n")
    found = {one.split(" | ")[0].removeprefix("| "): one for one in table.splitlines()}
    return f"{before}{RULE}", found, f"\n{after}"


def known() -> list[str]:
    """What the page has rows of."""
    return list(parts(PAGE.read_text("utf-8"))[1])


def write(found: Iterable[Row], order: Collection[str]) -> None:
    """Put what was found into the page; what was not tried this time stays as it is."""
    before, rows, after = parts(PAGE.read_text("utf-8"))
    rows |= {row.fault: line(row) for row in found}
    body = "".join(f"{rows[fault]}\n" for fault in order if fault in rows)
    PAGE.write_text(f"{before}{body}{after}", encoding="utf-8")
