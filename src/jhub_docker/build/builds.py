"""Build what is out of date: plan, bake, tag, and report image by image."""

import os
import secrets
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jhub_docker.build import (
    bake,
    bases,
    builders,
    cache,
    contexts,
    images,
    labels,
    marks,
    planning,
    warned,
)
from jhub_docker.build.bake import Outcome
from jhub_docker.build.plan import BuiltImage, Plan, Step
from jhub_docker.catalog import PLATFORMS, Catalog, identity, load
from jhub_docker.catalog.identity import OCI
from jhub_docker.engine import quick
from jhub_docker.errors import ActionError
from jhub_docker.host import machine
from jhub_docker.locks import refresh as locks
from jhub_docker.progress import say, stage


@dataclass(frozen=True)
class Result:
    """What became of one image: `built`, `pulled`, `unchanged`, `failed` or `not built`.

    The last one is for what stands on one that failed.

    `size` is in bytes, `seconds` is what this image's own steps took. `platform` is that of the
    image, or empty where there is none and none was asked for. `warnings` are what steps said that
    succeeded all the same, whenever the layer was made.
    """

    image: str
    build_id: str
    outcome: str
    reason: str
    size: int | None
    seconds: float | None
    base: str
    tags: tuple[str, ...]
    platform: str
    warnings: tuple[str, ...] = ()


def build(
    root: Path,
    names: Iterable[str] = (),
    platforms: Iterable[str] = (),
    *,
    base: str | None = None,
    force: bool = False,
    ready: Callable[[Plan], object] = lambda _: None,
    kept: cache.Cache = cache.NOWHERE,
) -> list[Result]:
    """Plan the named images (all published ones by default), and carry it out.

    `platforms` are the engine's own by default; raises ActionError for one that cannot be built
    here. For `ready` and `kept` see `carry_out`.
    """
    with marks.in_use():
        plans = planning.for_platforms(
            root, names, tuple(platforms), base=base, force=force, act=True
        )
        return [
            result for made in plans for result in carry_out(root, made, ready=ready, kept=kept)
        ]


def carry_out(
    root: Path,
    made: Plan,
    *,
    tag: bool = True,
    ready: Callable[[Plan], object] = lambda _: None,
    kept: cache.Cache = cache.NOWHERE,
) -> list[Result]:
    """Build what a plan says is out of date, and tag it.

    Images that do not depend on a failed one are built and kept all the same; the failed ones
    are results with the outcome `failed`, whose reason holds BuildKit's own message. `ready` is
    called with the plan before anything is built, to check what only a build needs. With `tag`
    false images get their build id as the only tag, so that none is taken from the image people
    use.

    What is planned beside the images there are is built on an empty cache, and with caches of
    packages that are empty too.

    What the registry of `kept` has by its build id is pulled instead, and tagged like a build; what
    was built is pushed to it. Raises ActionError where that fails.
    """
    ca_bundle = machine.ca_bundle()  # a wrong setting is told also when nothing is to be built
    outcome, broken = Outcome(), set[str]()
    place = (made.platform or builders.own_platform()) if any(kept) else ""
    if kept.source and made.to_build and not made.beside:
        made = cache.fetch(made, kept.source, place)
    if made.to_build:
        ready(made)
        locks.require_current(step.spec for step in made.to_build)
        listing = ", ".join(step.spec.name for step in made.to_build)
        with stage(f"building {listing}" + (f" for {made.platform}" if made.platform else "")):
            outcome = _bake(root, made, ca_bundle)
        broken = _broken(made, outcome)
    stand = [step for step in made.needed if step.spec.name not in broken]
    to_tag = _ends(root, stand) if tag and not made.beside else []
    for step in stand:
        if step.build or (step in to_tag and not _is_finished(step)):
            warned.keep(step.reference)
    tagged = bool(to_tag) and _tag(root, made, to_tag)
    if kept.target and not made.beside:
        cache.keep([step for step in stand if not step.pulled], kept.target, place)
    built = {step.build_id: step.existing for step in made.steps if step.existing}
    if made.to_build or tagged:
        built = images.built(images.here(), made.platform)
    return _results(built, made, outcome, broken)


def failed(results: Iterable[Result]) -> str:
    """What failed and why, for a message; empty where all is well."""
    return "\n".join(f"{one.image}: {one.reason}" for one in results if one.outcome == "failed")


def make_bases(root: Path, mode: bases.Mode) -> Plan:
    """Get every base of the catalog: pull it, or build its stand-in; by which plan it was done.

    Raises ActionError naming the base that could be neither pulled nor built.
    """
    catalog = load(root / "packages")
    # Those of services that a platform may have are got with it, where it has them.
    needed = catalog.closure([spec.name for spec in catalog.published])
    wanted = tuple(spec for spec in needed if spec.public)
    with marks.in_use():
        made = planning.make_plan(planning.look(catalog, wanted), base=mode)
        if told := failed(carry_out(root, made)):
            raise ActionError(told)
    return made


def listing(catalog: Catalog) -> list[dict[str, Any]]:
    """The published images in the engine, built here or released, newest of each first.

    Those that were built for another platform than the engine's own are among them.
    """
    order = {spec.name: position for position, spec in enumerate(catalog.published)}
    here = images.here()
    local = [one for p in ("", *PLATFORMS) for one in images.built(here, p).values()]
    by_id = {one.image_id: one for one in (*local, *images.released(here))}
    found = [image for image in by_id.values() if image.package in order]
    found.sort(key=lambda image: (order[image.package], -image.created))
    return [
        {
            "image": image.package,
            "platform": image.platform,
            "version": image.labels.get(f"{OCI}.version", ""),
            "build_id": identity.short(image.build_id),
            "origin": labels.origin(image.labels, image.digests),
            "size": image.size,
            "base": image.labels.get(f"{identity.LABEL}.base", ""),
            "base_name": image.labels.get(f"{OCI}.base.name", ""),
            "tags": sorted(tag.rpartition(":")[2] for tag in image.tags),
        }
        for image in found
    ]


def _bake(root: Path, made: Plan, ca_bundle: str | None) -> Outcome:
    """Bake until every target is built or known to have failed."""
    steps = list(made.to_build)
    no_cache = {step.spec.name for step in steps} if made.beside else set()
    no_cache |= set(made.wanted) if made.forced else set()
    caches = secrets.token_hex(8) if made.beside else ""
    whole = Outcome()
    files = {step.spec.name: step.files for step in steps}
    with contexts.laid_out(root, files) as folders, bake.log(root) as log:
        while steps:
            baked = bake.definition(
                steps,
                folders=folders,
                labels=labels.of_build(root, made.revision),
                environment=os.environ,
                ca_bundle=ca_bundle,
                no_cache=no_cache,
                platform=made.platform,
                caches=caches,
            )
            outcome = bake.run(baked, show=say, log=log)
            whole.errors |= outcome.errors
            for name, seconds in outcome.seconds.items():
                whole.seconds[name] = whole.seconds.get(name, 0.0) + seconds
            if outcome.succeeded:
                break
            if not outcome.errors:
                raise ActionError(f"docker buildx bake failed:\n{outcome.message}")
            # One failure cancels the other targets of a bake: go on with those it does not touch.
            broken = _broken(made, whole)
            steps = [step for step in steps if step.spec.name not in broken]
            no_cache = set()
    return whole


def _broken(made: Plan, outcome: Outcome) -> set[str]:
    """The packages that failed, and those to build on them."""
    found = set(outcome.errors)
    for step in made.to_build:  # parents before children
        if found.intersection(step.spec.parents):
            found.add(step.spec.name)
    return found


def _ends(root: Path, steps: Iterable[Step]) -> list[Step]:
    """Those that are tagged: not parents alone, which nobody starts."""
    parents = {name for spec in load(root / "packages").specs.values() for name in spec.parents}
    return [one for one in steps if one.spec.publish or one.spec.name not in parents]


def _is_finished(step: Step) -> bool:
    """Whether an earlier build said of it what its layers hold. One that was killed before that
    left no mark.
    """
    return not step.build and not step.pulled and bool(step.existing and step.existing.marks)


def _tag(root: Path, made: Plan, steps: Iterable[Step]) -> bool:
    """Tag what stands: `latest`, the checkout's own, version, git revision, versions found inside.

    Each gets this checkout's mark too, what only services run as well.

    Returns whether any image got a tag that it did not have.

    Images of another lane than the default one carry it in their tags (`latest-trixie`), and those
    for another platform too (`latest-arm64`), so that neither takes anything away from the
    platform.
    """
    suffix = bases.lane_suffix() + identity.suffix(made.platform)
    own = {"latest", marks.checkout_tag(root)}
    marks.remember(root)
    tagged = False
    for step in steps:
        wished = own | {step.spec.version, marks.mark(root, step.build_id)}
        wished |= {made.revision.tag} if made.revision else set()
        if made.runs and not _is_finished(step):
            found = images.versions(step.spec, step.reference)
            wished |= {f"{name}-{version}" for name, version in found.items()}
        wished = {f"{name}{suffix}" for name in wished}
        had = (*step.existing.tags, *step.existing.marks) if step.existing else ()
        present = set() if step.build else {tag.rpartition(":")[2] for tag in had}
        for name in sorted(wished - present):
            quick.tag(step.reference, f"{step.spec.repository}:{name}")
            tagged = True
    return tagged


def _results(
    built: Mapping[str, BuiltImage], made: Plan, done: Outcome, broken: Container[str]
) -> list[Result]:
    results = []
    for step in made.shown:
        name, image = step.spec.name, built.get(step.build_id)
        outcome, reason = "unchanged", step.reason
        if any(parent in broken for parent in step.spec.parents):
            # BuildKit may tell its own failure of both.
            outcome, reason = "not built", "what it is built from failed"
        elif name in done.errors:
            outcome, reason = "failed", done.errors[name]
        elif step.build:
            outcome = "built"
        elif step.pulled:
            outcome = "pulled"
        results.append(
            Result(
                image=name,
                build_id=identity.short(step.build_id),
                outcome=outcome,
                reason=reason,
                size=image.size if image else None,
                seconds=round(done.seconds.get(name, 0.0), 1) if step.build else None,
                base=step.labels[f"{identity.LABEL}.base"],
                tags=tuple(sorted(image.tags)) if image else (),
                platform=image.platform if image else made.platform,
                warnings=warned.of(image),
            )
        )
    return results
