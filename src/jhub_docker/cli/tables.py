"""Tables for people: what was planned, built, found. They only present, they find out nothing."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from jhub_docker.build import builders
from jhub_docker.build.plan import Base, Plan, Step
from jhub_docker.build.public import Pin
from jhub_docker.catalog.identity import short
from jhub_docker.table import megabytes, render

if TYPE_CHECKING:
    from jhub_docker.build.builds import Result


def plans(planned: Sequence[Plan], own: str) -> str:
    """What a build would do, image by image. `own` is the engine's platform."""
    rows = [
        (
            step.spec.name,
            made.platform or own,
            short(step.build_id),
            _action(step, made),
            step.labels["io.jhub-docker.base"],
            step.reason,
        )
        for made in planned
        for step in made.shown
    ]
    columns = ("image", "platform", "build id", "action", "base", "because")
    refused = [way for made in planned for way in made.ways.values() if not way.how]
    lines = [f"{way.image} cannot be built for {way.platform}: {way.why}" for way in refused]
    return "\n".join([render(columns, rows), *lines, *builders.mends(refused)])


def _action(step: Step, made: Plan) -> str:
    """`build`, and how where that is not by the engine's own processor, or why it is not built."""
    if step.unknown:
        return "not known"
    if not step.build:
        return "skip"
    how = made.how(step)
    return {"native": "build", "": "cannot"}.get(how, f"build, {how}")


def plans_json(planned: Iterable[Plan], own: str) -> str:
    """The same for programs, with the build contexts. `how` is empty where it cannot be built.

    What is not known until a base is pulled is null.
    """
    rows = [
        {
            "image": step.spec.name,
            "platform": made.platform or own,
            "build_id": step.build_id or None,
            "build": None if step.unknown else step.build,
            "how": made.how(step),
            "reason": step.reason,
            "contexts": dict(step.contexts),
            "inputs": dict(step.inputs),
        }
        for made in planned
        for step in made.shown
    ]
    return json.dumps(rows, indent=2)


def builds(results: Sequence["Result"]) -> str:
    """What became of each image, and what steps warned of; a failure's log is shown below."""
    rows = [
        (
            result.image,
            result.platform,
            result.build_id,
            megabytes(result.size),
            "" if result.seconds is None else f"{result.seconds:.1f}",
            result.outcome,
            result.base,
        )
        for result in results
    ]
    columns = ("image", "platform", "build id", "size", "seconds", "outcome", "base")
    warnings = [f"*** {one.image}: {text}" for one in results for text in one.warnings]
    return "\n".join([render(columns, rows, right=("size", "seconds")), *warnings])


def images(rows: Iterable[dict[str, Any]]) -> str:
    """The images in the engine."""
    columns = ("image", "platform", "version", "origin", "size", "base", "built on", "tags")
    shown = []
    for row in rows:
        tags, size = " ".join(row["tags"]), megabytes(row["size"])
        cells = row | {"size": size, "built on": row["base_name"], "tags": tags}
        shown.append([cells[one] for one in columns])
    return render(columns, shown, right=("size",))


def bases(found: Mapping[str, Base]) -> str:
    """Where each base comes from."""
    rows = [
        (name, "stand-in" if base.standin else "public", base.name, base.digest[:19])
        for name, base in found.items()
    ]
    return render(("base", "kind", "image", "digest"), rows)


def pins(found: Iterable[Pin]) -> str:
    """What each public image is pinned to now, and whether it was."""
    rows = []
    for one in found:
        outcome = "unchanged" if one.pinned == one.reference else "pinned"
        rows.append((one.package, one.lane, *one.pinned.split("@"), outcome))
    return render(("base", "lane", "image", "digest", "outcome"), rows)
