"""The images: build, list, lock and test them, and make the bases they stand on."""

import dataclasses
import json
from pathlib import Path

from jhub_docker import host, nox
from jhub_docker.build import bases as base_images
from jhub_docker.build import builders, builds, cache, planning, public
from jhub_docker.catalog import load
from jhub_docker.cli import tables
from jhub_docker.cli.task import ROOT, later, task, write
from jhub_docker.engine import quick
from jhub_docker.errors import ActionError
from jhub_docker.locks import refresh as locks
from jhub_docker.progress import say

with later():
    from jhub_docker import clean


@task(
    iterable=["image", "platform"],
    help={
        "platform": "Build for this platform, such as linux/arm64, or for all; can be given "
        "several times (default: the engine's own).",
        "force": "Build the named images even when nothing changed, without the build cache.",
        "plan": "Only say what would be built, and because of which input.",
        "cache-from": "Pull what is there by its build id instead of building it: a registry and "
        "a path, such as registry.example.org/team.",
        "cache-to": "Push what was built there, by its build id.",
    },
)
def build(
    image: list[str],
    platform: list[str],
    force: bool = False,
    plan: bool = False,
    json_: bool = False,
    base: str = "auto",
    cache_from: str = "",
    cache_to: str = "",
    yes: bool = False,
) -> None:
    """Build the images that are out of date, parents first, siblings in parallel."""
    base_images.mode(base)
    kept = cache.asked(cache_from, cache_to)
    load(ROOT / "packages").select(image)
    chosen = builders.asked(platform)
    if plan:
        plans = planning.for_platforms(ROOT, image, chosen, base=base, force=force)
        locks.require_current({s.spec.name: s.spec for p in plans for s in p.to_build}.values())
        own = builders.own_platform() if quick.server() else ""
        rows = tables.plan_rows(plans, own)
        write(json.dumps(rows, indent=2) if json_ else tables.plans(plans, own))
        return
    host.require(assume_yes=yes, needs=())
    results = builds.build(
        ROOT,
        image,
        chosen,
        base=base,
        force=force,
        ready=lambda _: host.require(assume_yes=yes, needs={"buildx", "disk"}),
        kept=kept,
    )
    rows = [dataclasses.asdict(result) for result in results]
    write(json.dumps(rows, indent=2) if json_ else tables.builds(results))
    if told := builds.failed(results):
        raise ActionError(told)


@task(
    help={
        "prune": "First remove what `clean --kind images` lists: of folders and checkouts that are "
        "gone, and older builds."
    }
)
def images(json_: bool = False, prune: bool = False, yes: bool = False) -> None:
    """List the images in the engine: version, release or local build, size, and their base."""
    host.require(set_up=False, needs=())
    if prune:
        say(clean.clean(ROOT, [clean.IMAGES], dry_run=False, assume_yes=yes))
    rows = builds.listing(load(ROOT / "packages"))
    write(json.dumps(rows, indent=2) if json_ else tables.images(rows))


@task(
    help={
        "pin": "Write the digests that the public images' tags have now into the declarations; "
        "nothing is pulled, and no engine is needed."
    }
)
def bases(base: str = "auto", pin: bool = False, yes: bool = False) -> None:
    """Get the base images: pull the public ones, or make their stand-ins."""
    mode = base_images.mode(base)
    if pin:
        write(tables.pins(public.pin(load(ROOT / "packages"))))
        return
    host.require(assume_yes=yes, needs={"buildx", "disk"})
    write(tables.bases(builds.make_bases(ROOT, mode)))


@task(
    iterable=["image", "package"],
    help={
        "upgrade": "Move to the newest versions the pyproject.toml allows.",
        "package": "Upgrade only this Python package; can be given several times.",
    },
)
def lock(image: list[str], package: list[str], upgrade: bool = False) -> None:
    """Refresh lock files and say what changed, and what a platform cannot install."""
    catalog = load(ROOT / "packages")
    chosen = catalog.select(image) if image else tuple(catalog.specs.values())
    for spec in chosen:
        if not locks.wanted(spec):
            continue
        changes = locks.refresh(spec, upgrade=upgrade and not package, packages=package)
        lines = [str(change) for change in changes] or ["nothing changed"]
        write("\n".join([f"{spec.name}:", *(f"  {line}" for line in lines)]))
    locks.require_installable(chosen)
    locks.require_agreement(load(ROOT / "packages"))


@task(iterable=["image"])
def test(image: list[str]) -> None:
    """Run the image tests through Nox, after building what is out of date."""
    chosen = load(ROOT / "packages").select(image)
    nox.run(Path(ROOT), [f"image_tests({spec.name})" for spec in chosen])
