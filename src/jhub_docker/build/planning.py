"""Plans as things stand: reads contexts, bases and the engine's images, and has `plan` decide.

Nothing is built. What a command needs is read once, however many platforms it plans for.
"""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from jhub_docker.build import bases, builders, contexts, images, plan
from jhub_docker.build.bases import Here
from jhub_docker.build.builders import Builder, Way
from jhub_docker.build.contexts import Context
from jhub_docker.build.plan import Plan
from jhub_docker.catalog import ROOT_FILE_SYSTEM, Catalog, ImageSpec, load
from jhub_docker.host import machine, rootfs
from jhub_docker.host.machine import Revision


@dataclass(frozen=True)
class Found:
    """What plans are made from: the build contexts, the checkout's commit, what the engine has."""

    catalog: Catalog
    wanted: tuple[ImageSpec, ...]
    contexts: Mapping[str, Context]
    here: Here
    revision: Revision | None = None


def look(catalog: Catalog, wanted: tuple[ImageSpec, ...], *, needed: bool = True) -> Found:
    """Read what plans for these images need; the engine answers while files are read.

    Where it is not `needed` and none answers, it is as if it had nothing.
    """
    with ThreadPoolExecutor() as asked:
        revised = asked.submit(machine.revision, next(iter(catalog.specs.values())).folder)
        looked = asked.submit(bases.look, catalog, wanted, bases.lane(), needed=needed)
        files = contexts.read(catalog.closure([spec.name for spec in wanted]))
    return Found(catalog, wanted, files, looked.result(), revised.result())


def make_plan(
    found: Found,
    *,
    base: str | None = None,
    force: bool = False,
    act: bool = True,
    anew: bool = False,
    platform: str = "",
    beside: str = "",
) -> Plan:
    """Resolve the bases and make the plan.

    With `act` false no base is pulled or made for it. `platform` is empty for the engine's own.
    With `anew` or `beside` nothing that the engine has counts; see `plan.make`.
    """
    here = found.here
    resolved = bases.resolve(
        *(found.catalog, found.wanted, bases.mode(base), bases.lane()),
        act=act, here=here, platform=platform,
    )  # fmt: skip
    made = plan.make(
        found.catalog,
        found.wanted,
        contexts=found.contexts,
        bases=resolved,
        existing={} if anew or beside else images.built(here.images, platform),
        force=force,
        platform=platform,
        beside=beside,
    )
    unasked = "no engine answers that could have it"
    steps = tuple(
        replace(step, reason=unasked) if step.build and not (step.unknown or here.asked) else step
        for step in made.steps
    )
    return replace(made, steps=steps, revision=found.revision)


def for_platforms(
    root: Path,
    names: Iterable[str] = (),
    platforms: Iterable[str] = (),
    *,
    base: str | None = None,
    force: bool = False,
    act: bool = False,
    beside: str = "",
) -> list[Plan]:
    """The plans for the platforms that are named, or for the engine's own.

    With `act` bases are pulled and root file systems made, so that the plans can be carried out;
    raises ActionError for an image that cannot be built for its platform.
    """
    catalog = load(root / "packages")
    found = look(catalog, catalog.select(names), needed=act)
    made = partial(make_plan, found, base=base, force=force, beside=beside)
    if not (platforms := tuple(platforms)):
        return [made(act=act)]  # which need not wait for the builder's answer
    builder = builders.read()
    plans = []
    for platform in platforms:
        foreign = "" if platform == builder.own else platform
        one = made(act=act and not foreign, platform=foreign)
        judged = ways(one, platform, builder)
        if act:
            builders.require(judged.values())
            # Another platform's bases are fetched once it is known that they are of use.
            one = made(platform=foreign) if foreign else one
        plans.append(replace(one, ways=judged, runs=platform in builder.runs))
    return plans


def ways(made: Plan, platform: str, builder: Builder) -> dict[str, Way]:
    """How each of the wished-for images can be built as planned for a platform, if at all."""
    rooted = rootfs.is_here(bases.lane(), made.platform)
    running = {
        step.spec.name
        for step in made.to_build
        if builders.runs_something((step.spec.folder / "Dockerfile").read_text(encoding="utf-8"))
        or (step.spec.base == ROOT_FILE_SYSTEM and not rooted)
    }
    lacking = {
        name: f"{name}: {base.reference} is in this engine only, for its own platform"
        for name, base in made.bases.items()
        if made.platform and base.local
    }
    found = {}
    for name in made.wanted:
        needed = [spec.name for spec in made.catalog.closure([name])]
        missing = "; ".join(why for one, why in lacking.items() if one in needed)
        runs = [one for one in needed if one in running]
        found[name] = builders.way(made.catalog[name], platform, builder, runs, missing)
    return found
