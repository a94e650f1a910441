"""Tables for people: what was planned, built, found. They only present, they find out nothing."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from jhub_docker.build import builders
from jhub_docker.build.builders import Way
from jhub_docker.build.plan import Base, Step
from jhub_docker.build.public import Pin
from jhub_docker.catalog.identity import short
from jhub_docker.table import megabytes, render

if TYPE_CHECKING:
    from jhub_docker.build.builds import Result
    from jhub_docker.build.planning import PlatformPlan


def plans(planned: Sequence["PlatformPlan"], others: Iterable[Way] = ()) -> str:
    """What a build would do, image by image, and what it could do for `others`' platforms."""
    rows = [
        (
            step.spec.name,
            one.platform,
            short(step.build_id),
            _action(step, one),
            step.labels["io.jhub-docker.base"],
            step.reason,
        )
        for one in planned
        for step in one.plan.shown
    ]
    columns = ("image", "platform", "build id", "action", "base", "because")
    refused = [way for one in planned for way in one.ways.values() if not way.how]
    lines = [f"{way.image} cannot be built for {way.platform}: {way.why}" for way in refused]
    return "\n".join([render(columns, rows), *lines, *builders.mends(refused), *_others(others)])


def _action(step: Step, one: "PlatformPlan") -> str:
    """`build`, and how where that is not by the engine's own processor, or why it is not built."""
    if step.unknown:
        return "not known"
    if not step.build:
        return "skip"
    way = one.ways.get(step.spec.name)
    how = way.how if way else next((w.how for w in one.ways.values() if w.how), "")
    return {"native": "build", "": "cannot"}.get(how, f"build, {how}")


def _others(others: Iterable[Way]) -> list[str]:
    by_platform: dict[str, list[Way]] = {}
    for way in others:
        by_platform.setdefault(way.platform, []).append(way)
    lines = []
    for platform, found in by_platform.items():
        refused = [way for way in found if not way.how]
        hows = ", ".join(sorted({way.how for way in found if way.how}))
        if hows:
            lines.append(f"--platform {platform} builds here too ({hows})")
        for why in dict.fromkeys(way.why for way in refused):
            names = ", ".join(way.image for way in refused if way.why == why)
            lines.append(f"{platform} cannot be built here, {names}: {why}")
        lines += builders.mends(refused)
    return lines


def plans_json(planned: Iterable["PlatformPlan"]) -> str:
    """The same for programs, with the build contexts. `how` is empty where it cannot be built.

    What is not known until a base is pulled is null.
    """
    rows = [
        {
            "image": step.spec.name,
            "platform": one.platform,
            "build_id": step.build_id or None,
            "build": None if step.unknown else step.build,
            "how": one.ways[step.spec.name].how if step.spec.name in one.ways else None,
            "reason": step.reason,
            "contexts": dict(step.contexts),
            "inputs": dict(step.inputs),
        }
        for one in planned
        for step in one.plan.shown
    ]
    return json.dumps(rows, indent=2)


def builds(results: Iterable["Result"]) -> str:
    """What became of each image; a failure's log is shown below, not in the table."""
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
    return render(columns, rows, right=("size", "seconds"))


def images(rows: Iterable[Mapping[str, Any]]) -> str:
    """The images in the engine."""
    columns = ("image", "platform", "version", "origin", "size", "base", "built on", "tags")
    cells = [
        (
            row["image"],
            row["platform"],
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
        (name, "stand-in" if base.standin else "public", base.name, base.digest[:19])
        for name, base in found.items()
    ]
    return render(("base", "kind", "image", "digest"), rows)


def pins(found: Iterable[Pin]) -> str:
    """What each public image is pinned to now, and whether it was."""
    rows = [
        (one.package, one.lane, one.name, one.digest, "unchanged" if one.same else "pinned")
        for one in found
    ]
    return render(("base", "lane", "image", "digest", "outcome"), rows)
