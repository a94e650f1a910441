"""A table as text, aligned, and its longest column folded where lines would be too long."""

from collections.abc import Iterable, Sequence
from itertools import zip_longest
from textwrap import wrap

WIDTH = 160
"""Characters of a line, where that leaves the longest column a readable width."""

NARROWEST = 48


def render(columns: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[str] = ()) -> str:
    """A table as text; the columns named in `right` are aligned to the right."""
    lines = [[_printable(cell) for cell in line] for line in (columns, *rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    longest = widths.index(max(widths))
    others = sum(widths) + 2 * (len(widths) - 1) - widths[longest]
    widths[longest] = min(widths[longest], max(WIDTH - others, NARROWEST))
    signs = [">" if column in right else "<" for column in columns]
    text = []
    for line in lines:
        cells = zip(line, widths, strict=True)
        folded = [wrap(cell, width, break_on_hyphens=False) for cell, width in cells]
        for parts in zip_longest(*folded, fillvalue="") if any(folded) else [[""] * len(line)]:
            shown = zip(parts, signs, widths, strict=True)
            text.append("  ".join(f"{cell:{sign}{width}}" for cell, sign, width in shown).rstrip())
    return "\n".join(text)


def _printable(cell: str) -> str:
    """Nothing in a cell ends its line or moves a terminal's cursor."""
    return "".join(sign if sign.isprintable() else " " for sign in cell)


def counted(number: int, one: str, several: str = "") -> str:
    """A number with the word for what is counted: `1 volume`, `2 volumes`."""
    return f"{number} {one if number == 1 else several or f'{one}s'}"


def size(amount: int | None) -> str:
    """A number of bytes in words, as disks are sold: MB and GB are 10^6 and 10^9."""
    if amount is None:
        return ""
    return f"{amount / 1e6:.0f} MB" if amount < 1e9 else f"{amount / 1e9:.1f} GB"


def megabytes(amount: int | None) -> str:
    """A number of bytes in MB (10^6): of images, whose sizes differ by a few."""
    return "" if amount is None else f"{amount / 1e6:,.0f} MB"


def some(names: Iterable[str], most: int = 4) -> str:
    """Names in words; of many, how many more there are."""
    listed = list(names)
    more = len(listed) - most
    return ", ".join(listed[:most]) + (f" and {more} more" if more > 0 else "")
