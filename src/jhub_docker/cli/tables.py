"""Tables for people: what was planned, built, found. They only present, they find out nothing."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from jhub_docker.build import builders
from jhub_docker.build.plan import Plan, Step
from jhub_docker.build.public import Pin
from jhub_docker.catalog import ROOT_FILE_SYSTEM
from jhub_docker.catalog.identity import short
from jhub_docker.table import megabytes, render

if TYPE_CHECKING:
    from jhub_docker.build.builds import Result

_CELLS: Mapping[str, Callable[[Any], str]] = {
    "size": megabytes,
    "seconds": lambda value: "" if value is None else f"{value:.1f}",
    "build_id": lambda value: short(value or ""),
    "tags": lambda value: " ".join(one for one in value if not one.startswith("checkout-")),
}


def _table(rows: Iterable[Mapping[str, Any]], *fields: str) -> str:
    """Some fields of what programs get as JSON, as a table."""
    cells = [[_CELLS.get(field, str)(row[field]) for field in fields] for row in rows]
    return render([one.replace("_", " ") for one in fields], cells, right=("size", "seconds"))


def plan_rows(planned: Iterable[Plan], own: str) -> list[dict[str, Any]]:
    """What a build would do, image by image, for programs. `own` is the engine's platform.

    What is not known until a base is pulled is null, `how` is empty where it cannot be built.
    """
    return [
        {
            "image": step.spec.name,
            "platform": made.platform or own,
            "build_id": step.build_id or None,
            "build": None if step.unknown else step.build,
            "how": made.how(step),
            "reason": step.reason,
            "contexts": dict(step.contexts),
            "inputs": dict(step.inputs),
            "action": _action(step, made.how(step)),
            "base": step.labels["io.jhub-docker.base"],
        }
        for made in planned
        for step in made.shown
    ]


def _action(step: Step, how: str) -> str:
    """`build`, and how where that is not by the engine's own processor, or why it is not built."""
    if step.unknown or not step.build:
        return "not known" if step.unknown else "skip"
    return {"native": "build", "": "cannot"}.get(how, f"build, {how}")


def plans(planned: Sequence[Plan], own: str) -> str:
    """The same for people."""
    fields = ("image", "platform", "build_id", "action", "base", "reason")
    ways = [way for made in planned for way in made.ways.values()]
    return "\n".join([_table(plan_rows(planned, own), *fields), *builders.refused(ways)])


def builds(results: Sequence["Result"]) -> str:
    """What became of each image, and what steps warned of; a failure's log is shown below."""
    fields = ("image", "platform", "build_id", "size", "seconds", "outcome", "base")
    warnings = [f"*** {one.image}: {text}" for one in results for text in one.warnings]
    return "\n".join([_table(map(asdict, results), *fields), *warnings])


def images(rows: Iterable[Mapping[str, Any]]) -> str:
    """The images in the engine, without the tags of checkouts: an old engine has dozens of each."""
    fields = ("image", "platform", "version", "origin", "size", "base", "base_name", "tags")
    return _table(rows, *fields)


def bases(made: Plan) -> str:
    """Where each base comes from, by the plan that made what was missing."""
    rows = [
        (name, "stand-in" if name == ROOT_FILE_SYSTEM else "public", base.name, base.digest[:19])
        for name, base in made.bases.items()
    ]
    rows += [
        (step.spec.name, "stand-in", step.reference, f"sha256:{short(step.build_id)}")
        for step in made.steps
        if step.spec.public
    ]
    return render(("base", "kind", "image", "digest"), rows)


def pins(found: Iterable[Pin]) -> str:
    """What each public image is pinned to now, and whether it was."""
    rows = []
    for one in found:
        outcome = "unchanged" if one.pinned == one.reference else "pinned"
        rows.append((one.package, one.lane, *one.pinned.split("@"), outcome))
    return render(("base", "lane", "image", "digest", "outcome"), rows)
