"""A table as text, aligned where it fits and folded where it does not."""

import io
from collections.abc import Iterable, Sequence

WIDTH = 160
"""Characters of a line; longer cells are folded."""


def render(columns: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[str] = ()) -> str:
    """A table as text; the columns named in `right` are aligned to the right."""
    lines = [tuple(columns), *map(tuple, rows)]
    return _aligned(lines, right) or _folded(lines, right)


def _aligned(lines: Sequence[Sequence[str]], right: Sequence[str]) -> str | None:
    """The table where no cell has to be folded; None where one has to.

    Importing rich takes longer than reading the files of a build that has nothing to do.
    """
    if not all(cell.isascii() and cell.isprintable() for line in lines for cell in line):
        return None  # a character can be wider than one column, or end the line
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    if sum(widths) + 2 * (len(widths) - 1) > WIDTH:
        return None
    signs = [">" if column in right else "<" for column in lines[0]]
    return "\n".join(
        "  ".join(
            f"{cell:{sign}{width}}" for cell, sign, width in zip(line, signs, widths, strict=True)
        ).rstrip()
        for line in lines
    )


def _folded(lines: Sequence[Sequence[str]], right: Sequence[str]) -> str:
    from rich.console import Console  # noqa: PLC0415 - see above
    from rich.table import Table  # noqa: PLC0415

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in lines[0]:
        table.add_column(
            column, justify="right" if column in right else "left", overflow="fold", no_wrap=False
        )
    for line in lines[1:]:
        table.add_row(*line)
    target = io.StringIO()
    Console(file=target, width=WIDTH, markup=False, highlight=False).print(table)
    return "\n".join(line.rstrip() for line in target.getvalue().rstrip().splitlines())


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
