"""Tables for people: what was planned, built, found. They only present, they find out nothing."""

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from jhub_docker.builds import Result
from jhub_docker.plan import Base, Plan, short


def render(columns: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[str] = ()) -> str:
    """A table as text; the columns named in `right` are aligned to the right."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(
            column, justify="right" if column in right else "left", overflow="fold", no_wrap=False
        )
    for row in rows:
        table.add_row(*row)
    target = io.StringIO()
    Console(file=target, width=160, markup=False, highlight=False).print(table)
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


def builds(results: Iterable[Result]) -> str:
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
