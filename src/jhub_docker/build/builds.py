"""Build what is out of date: read, plan, bake, tag, and report image by image."""

import os
import secrets
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jhub_docker import engine
from jhub_docker.build import bake, bases, builders, images, kept, origin, planning
from jhub_docker.build.plan import Base, BuiltImage, Plan, Step
from jhub_docker.catalog import LANES, PLATFORMS, Catalog, identity, load
from jhub_docker.catalog.identity import OCI
from jhub_docker.errors import ActionError
from jhub_docker.host import machine
from jhub_docker.locks import refresh as locks
from jhub_docker.progress import say, stage

if TYPE_CHECKING:
    from docker import DockerClient


@dataclass(frozen=True)
class Result:
    """What became of one image: `built`, `unchanged`, `failed` or `not built` (a parent failed).

    `size` is in bytes, `seconds` is what this image's own steps took. `platform` is that of the
    image, or empty where there is none and none was asked for.
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


def build(
    client: "DockerClient",
    root: Path,
    names: Iterable[str] = (),
    *,
    base: str | None = None,
    force: bool = False,
    show: bool = True,
    tag: bool = True,
    anew: str = "",
    ready: Callable[[], object] = lambda: None,
    platform: str = "",
) -> list[Result]:
    """Build the named images (all published ones by default) as far as they are out of date.

    Images that do not depend on a failed one are built and kept all the same; the failed ones
    are results with the outcome `failed`, whose reason holds BuildKit's own message. `ready` is
    called before anything is built, to check what only a build needs. With `tag` false images get
    their build id as the only tag, so that none is taken from the image people use. `platform` is
    the engine's own by default; raises ActionError for one that cannot be built here.

    With `anew`, a suffix, they and all they are built from are built whatever there is, on an empty
    cache, and with caches of packages that are empty too. The only tag then is the build id with
    that suffix: no image that is there is touched.
    """
    catalog = load(root / "packages")
    wanted = catalog.select(names)
    ca_bundle = machine.ca_bundle()  # a wrong setting is told also when nothing is to be built
    runs, foreign = True, ""
    if platform:  # not asked for otherwise: a build with nothing to do would wait for the answer
        builder = builders.read()
        runs, foreign = platform in builder.runs, builder.foreign(platform)
        builders.require(
            planning.ways(client, catalog, wanted, platform, builder, base=base, force=force)
        )
    with ThreadPoolExecutor() as asked:  # git answers meanwhile
        revised = asked.submit(machine.revision, root)
        made = planning.make_plan(
            client,
            catalog,
            wanted,
            base=base,
            force=force,
            existing={} if anew else None,
            platform=foreign,
            beside=anew,
        )
    revision = revised.result()
    seconds: dict[str, float] = {}
    failures: dict[str, str] = {}
    if made.to_build:
        ready()
        locks.require_current(step.spec for step in made.to_build)
        listing = ", ".join(step.spec.name for step in made.to_build)
        with stage(f"building {listing}" + (f" for {foreign}" if foreign else "")):
            no_cache = {step.spec.name for step in made.to_build} if anew else set()
            no_cache |= set(made.wanted) if force else set()
            seconds, failures = _bake(
                root, made, revision, ca_bundle, no_cache=no_cache, empty=bool(anew), show=show
            )
    tagged = tag and not anew and _tag(client, root, made, revision, failures, ask=runs)
    built = {step.build_id: step.existing for step in made.steps if step.existing}
    if made.to_build or tagged:
        built = images.built(images.here(), foreign)
    return _results(built, made, seconds, failures, platform)


def make_bases(client: "DockerClient", root: Path, mode: bases.Mode) -> dict[str, Base]:
    """Get every base of the catalog: the pulled ones, and the stand-ins built for the others.

    Raises ActionError naming the base that could be neither pulled nor built.
    """
    catalog = load(root / "packages")
    wanted = tuple(spec for spec in catalog.specs.values() if spec.public)
    made = planning.make_plan(client, catalog, wanted, base=mode)
    found = bases.resolve(client, catalog, wanted, mode, bases.lane())
    if made.to_build:
        failed = [
            r
            for r in build(client, root, [s.name for s in wanted if s.name not in found], base=mode)
            if r.outcome == "failed"
        ]
        if failed:
            raise ActionError(f"{failed[0].image}: {failed[0].reason}")
    for step in made.steps:
        if step.spec.public:
            found[step.spec.name] = Base(step.reference, f"sha256:{step.build_id}", standin=True)
    return found


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
            "origin": origin.of(image.labels, image.digests),
            "size": image.size,
            "base": image.labels.get(f"{identity.LABEL}.base", ""),
            "base_name": image.labels.get(f"{OCI}.base.name", ""),
            "tags": sorted(tag.rpartition(":")[2] for tag in image.tags),
        }
        for image in found
    ]


def _bake(
    root: Path,
    made: Plan,
    revision: machine.Revision | None,
    ca_bundle: str | None,
    *,
    no_cache: set[str],
    empty: bool,
    show: bool,
) -> tuple[dict[str, float], dict[str, str]]:
    """Bake until every target is built or known to have failed."""
    steps = list(made.to_build)
    seconds: dict[str, float] = {}
    failures: dict[str, str] = {}
    caches = secrets.token_hex(8) if empty else ""
    log_file = root / ".dev" / "logs" / "build.jsonl"
    log_file.parent.mkdir(parents=True, exist_ok=True)
    with log_file.open("w", encoding="utf-8") as log:
        while steps:
            outcome = bake.run(
                bake.definition(
                    steps,
                    labels=_labels(root, revision),
                    environment=os.environ,
                    ca_bundle=ca_bundle,
                    no_cache=no_cache,
                    platform=made.platform,
                    caches=caches,
                ),
                builder=engine.builder_name(),
                environment=engine.cli_environment(),
                show=say if show else lambda text: None,
                log=log,
            )
            for name, value in outcome.seconds.items():
                seconds[name] = seconds.get(name, 0.0) + value
            if outcome.succeeded:
                break
            if not outcome.errors:
                raise ActionError(f"docker buildx bake failed:\n{outcome.message}")
            failures |= outcome.errors
            # One failure cancels the other targets of a bake: go on with those it does not touch.
            steps = [step for step in steps if not _depends_on(step, failures, made)]
            no_cache = set()
    return seconds, failures


def _depends_on(step: Step, failures: Iterable[str], made: Plan) -> bool:
    by_name = {step.spec.name: step for step in made.to_build}
    return step.spec.name in failures or any(
        parent in by_name and _depends_on(by_name[parent], failures, made)
        for parent in step.spec.parents
    )


def _labels(root: Path, revision: machine.Revision | None) -> dict[str, str]:
    """The labels that say when and from what revision an image was built."""
    labels = {f"{OCI}.created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
    if revision:
        labels[f"{OCI}.revision"] = revision.commit + ("-dirty" if revision.dirty else "")
    if url := machine.source_url(root):
        labels |= {f"{OCI}.source": url, f"{OCI}.url": url, f"{OCI}.documentation": url}
    return labels


def _tag(
    client: "DockerClient",
    root: Path,
    made: Plan,
    revision: machine.Revision | None,
    failures: Iterable[str],
    *,
    ask: bool,
) -> bool:
    """Tag what stands: `latest`, the version, the git revision, and versions found inside.

    All of it gets this checkout's mark, and what is not published nothing else.

    Returns whether any image got a tag that it did not have.

    Images of another lane than the default one carry it in their tags (`latest-trixie`), and those
    for another platform too (`latest-arm64`), so that neither takes anything away from the
    platform. `ask` says whether the engine can run the images, to ask them for versions.
    """
    suffix = "" if bases.lane() == LANES[0] else f"-{bases.lane()}"
    suffix += identity.suffix(made.platform)
    tagged = False
    for step in made.steps:
        if step.build and _depends_on(step, failures, made):
            continue
        wished = {"latest", step.spec.version, *([revision.tag] if revision else [])}
        if not step.spec.publish:
            wished.clear()
        elif step.build and ask:
            found = images.versions(client, step.spec, step.reference)
            wished |= {f"{name}-{version}" for name, version in found.items()}
        wished = {f"{name}{suffix}" for name in wished} | {kept.mark(root, step.build_id)}
        had = (*step.existing.tags, *step.existing.marks) if step.existing else ()
        present = {tag.rpartition(":")[2] for tag in had}
        missing = sorted(wished - present if not step.build else wished)
        images.tag(client, step, missing)
        tagged = tagged or bool(missing)
    return tagged


def _results(
    built: dict[str, BuiltImage],
    made: Plan,
    seconds: dict[str, float],
    failures: dict[str, str],
    platform: str,
) -> list[Result]:
    results = []
    for step in made.shown:
        name = step.spec.name
        image = built.get(step.build_id)
        outcome, reason = "unchanged", step.reason
        if name in failures:
            outcome, reason = "failed", failures[name]
        elif step.build and _depends_on(step, failures, made):
            outcome, reason = "not built", "what it is built from failed"
        elif step.build:
            outcome = "built"
        results.append(
            Result(
                image=name,
                build_id=identity.short(step.build_id),
                outcome=outcome,
                reason=reason,
                size=image.size if image else None,
                seconds=round(seconds.get(name, 0.0), 1) if step.build else None,
                base=step.labels[f"{identity.LABEL}.base"],
                tags=tuple(sorted(image.tags)) if image else (),
                platform=image.platform if image else platform,
            )
        )
    return results
