"""Tables for people: what was planned, built, found. They only present, they find out nothing."""

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from jhub_docker.plan import Base, Plan, short

if TYPE_CHECKING:
    from jhub_docker.builds import Result

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


def megabytes(size: int | None) -> str:
    """A number of bytes in MB (10^6), as Docker shows sizes."""
    return "" if size is None else f"{size / 1e6:,.0f} MB"


def plan(made: Plan) -> str:
    """What a build would do, image by image."""
    rows = [
        (
            step.spec.name,
            short(step.build_id),
            "build" if step.build else "skip",
            step.labels["io.jhub-docker.base"],
            step.reason,
        )
        for step in made.shown
    ]
    return render(("image", "build id", "action", "base", "because"), rows)


def plan_json(made: Plan) -> str:
    """The same for programs, with the build contexts."""
    rows = [
        {
            "image": step.spec.name,
            "build_id": step.build_id,
            "build": step.build,
            "reason": step.reason,
            "contexts": dict(step.contexts),
            "inputs": dict(step.inputs),
        }
        for step in made.shown
    ]
    return json.dumps(rows, indent=2)


def builds(results: Iterable["Result"]) -> str:
    """What became of each image; a failure's log is shown below, not in the table."""
    rows = [
        (
            result.image,
            result.build_id,
            megabytes(result.size),
            "" if result.seconds is None else f"{result.seconds:.1f}",
            result.outcome,
            result.base,
        )
        for result in results
    ]
    columns = ("image", "build id", "size", "seconds", "outcome", "base")
    return render(columns, rows, right=("size", "seconds"))


def images(rows: Iterable[Mapping[str, Any]]) -> str:
    """The images in the engine."""
    columns = ("image", "version", "origin", "size", "base", "built on", "tags")
    cells = [
        (
            row["image"],
            row["version"],
            row["origin"],
            megabytes(row["size"]),
            row["base"],
            row["base_name"],
            " ".join(row["tags"]),
        )
        for row in rows
    ]
    return render(columns, cells, right=("size",))


def bases(found: Mapping[str, Base]) -> str:
    """Where each base comes from."""
    rows = [
        (name, "stand-in" if base.standin else "public", base.reference, base.digest[:19])
        for name, base in found.items()
    ]
    return render(("base", "kind", "image", "digest"), rows)
