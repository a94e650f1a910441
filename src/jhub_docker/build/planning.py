"""Plans as things stand: reads contexts, bases and the engine's images, and has `plan` decide.

Nothing is built. A plan is for one platform; how that can be built here is beside it.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jhub_docker.build import bases, builders, contexts, images, plan
from jhub_docker.build.builders import Builder, Way
from jhub_docker.build.plan import BuiltImage, Plan
from jhub_docker.catalog import PLATFORMS, ROOT_FILE_SYSTEM, Catalog, ImageSpec, load
from jhub_docker.errors import ActionError
from jhub_docker.host import rootfs

if TYPE_CHECKING:
    from docker import DockerClient


@dataclass(frozen=True)
class PlatformPlan:
    """What a build for one platform would do, and by image how it can be done."""

    platform: str
    plan: Plan
    ways: Mapping[str, Way]


def make_plan(
    client: "DockerClient",
    catalog: Catalog,
    wanted: tuple[ImageSpec, ...],
    *,
    base: str | None = None,
    force: bool = False,
    act: bool = True,
    existing: Mapping[str, BuiltImage] | None = None,
    platform: str = "",
    beside: str = "",
) -> Plan:
    """Read what the plan needs (contexts, bases, images in the engine) and make it.

    With `act` false no base is pulled or made for it. `existing` are images, by build id, to be
    taken for all that are there, in place of the engine's. `platform` is empty for the engine's
    own. For `beside` see `plan.make`.
    """
    with ThreadPoolExecutor() as asked:  # the engine answers while files are read
        looked = asked.submit(bases.look, catalog, wanted, bases.lane(), needed=act)
        files = {s.name: contexts.hashes(s) for s in catalog.closure([s.name for s in wanted])}
    here = looked.result()
    resolved = bases.resolve(
        client,
        catalog,
        wanted,
        bases.mode(base),
        bases.lane(),
        act=act,
        here=here,
        platform=platform,
    )
    return plan.make(
        catalog,
        wanted,
        contexts=files,
        bases=resolved,
        existing=images.built(here.images, platform) if existing is None else existing,
        force=force,
        platform=platform,
        beside=beside,
    )


def ways(
    client: "DockerClient",
    catalog: Catalog,
    wanted: tuple[ImageSpec, ...],
    platform: str,
    builder: Builder,
    *,
    base: str | None = None,
    force: bool = False,
) -> list[Way]:
    """How each of the wanted images can be built for a platform, if at all; nothing is built."""
    foreign = builder.foreign(platform)
    made = make_plan(client, catalog, wanted, base=base, force=force, act=False, platform=foreign)
    needed = {step.spec.name for step in made.to_build}
    running = builders.running(step.spec for step in made.to_build)
    rooted = {step.spec.name for step in made.to_build if step.spec.base == ROOT_FILE_SYSTEM}
    if rooted and not rootfs.is_here(bases.lane(), foreign):
        running |= dict.fromkeys(rooted, True)
    lacking = _lacking(client, catalog, wanted, foreign, base) if foreign else {}
    found = []
    for spec in wanted:
        above = {one.name for one in catalog.closure([spec.name])}
        missing = "; ".join(why for name, why in lacking.items() if name in above)
        own = [one.name for one in catalog.closure([spec.name]) if one.name in needed]
        needing = [name for name in own if running[name]]
        found.append(builders.way(spec, platform, builder, needing, missing))
    return found


def _lacking(
    client: "DockerClient",
    catalog: Catalog,
    wanted: tuple[ImageSpec, ...],
    platform: str,
    base: str | None,
) -> dict[str, str]:
    """The public bases that cannot be had for another platform, by package, and why."""
    mode = bases.mode(base)
    resolved = bases.resolve(client, catalog, wanted, mode, bases.lane(), act=False)
    found = {}
    for name, public in resolved.items():
        if name != ROOT_FILE_SYSTEM and (public.digest or mode == "pull"):
            try:
                bases.reference_for(name, public, platform)
            except ActionError as error:
                found[name] = str(error)
    return found


def for_platforms(
    client: "DockerClient",
    root: Path,
    names: Sequence[str],
    platforms: Sequence[str],
    *,
    base: str | None = None,
    force: bool = False,
) -> tuple[list[PlatformPlan], list[Way]]:
    """The plans for the platforms that are named, or for the engine's own; nothing is built.

    The second are the ways to the other platforms that the images are declared for.
    """
    catalog = load(root / "packages")
    wanted = catalog.select(names)
    builder = builders.read()
    chosen = tuple(platforms) or (builder.own,)
    plans, others = [], []
    for platform in dict.fromkeys((*chosen, *PLATFORMS)):
        if platform == builder.own and platform not in chosen:
            continue
        found = ways(client, catalog, wanted, platform, builder, base=base, force=force)
        if platform not in chosen:
            others += found
            continue
        foreign = builder.foreign(platform)
        made = make_plan(
            client, catalog, wanted, base=base, force=force, act=False, platform=foreign
        )
        plans.append(PlatformPlan(platform, made, {one.image: one for one in found}))
    return plans, others
