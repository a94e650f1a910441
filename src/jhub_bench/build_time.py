"""The build benchmarks: nothing changed, and one dependency of one image changed.

What they build goes under tags of their own and is removed: the images in use stay as they are.
"""

import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from docker import DockerClient

from jhub_bench import plans
from jhub_bench.figures import Figure
from jhub_docker import engine, process
from jhub_docker.build import bake, builds, contexts, planning
from jhub_docker.build.plan import Step
from jhub_docker.catalog import Catalog, load
from jhub_docker.catalog.identity import LABEL
from jhub_docker.errors import ActionError
from jhub_docker.host import machine
from jhub_docker.progress import say, stage

UNCHANGED_TARGET = 0.5
CHANGED_IMAGE = "uv-marimo"
ADDED_DEPENDENCY = "iniconfig>=2"
"""Small and without dependencies of its own: what is measured is the build, not the download."""

_REPOSITORY = "jhub-docker-bench/build"
LABELS = {f"{LABEL}.bench": "build"}


def bring_up_to_date(client: DockerClient, root: Path) -> None:
    """Build what is out of date; raises ActionError when some image cannot be built."""
    if told := builds.failed(builds.build(root)):
        raise ActionError(told)


def unchanged(client: DockerClient, root: Path, catalog: Catalog, runs: int) -> list[Figure]:
    """`invoke build` against a bake of the same images whose every step is cached."""
    steps = plans.everything(client, catalog).steps
    published = [step.spec.name for step in steps if step.spec.publish]
    command = ["buildx", "bake", "--builder", engine.builder_name(), "--file", "-"]

    def ours() -> None:
        process.checked("./dev", "invoke", "build", cwd=root)

    def peer() -> None:
        ended = engine.docker(*command, cwd=root, given=cached)
        if ended.code:
            raise ActionError(f"the peer's bake failed:\n{ended.tail()}")

    files = {step.spec.name: step.files for step in steps}
    with _removing(client), contexts.laid_out(root, files) as folders:
        cached = json.dumps(definition(steps, folders))
        with stage("filling the cache of the peer's bake"):
            peer()
        with stage(f"build-unchanged: {runs} times each, in turn"):
            times = alternate(ours, peer, runs)
        plans.require_unchanged(client, catalog)
    return [
        Figure(
            benchmark="build-unchanged",
            subject=f"{len(published)} images",
            unit="s",
            ours=tuple(times[0]),
            peer=tuple(times[1]),
            peer_name="docker buildx bake of these images and their parents, all cached",
            target=UNCHANGED_TARGET,
            note="Whole processes: `./dev invoke build`.",
        )
    ]


def alternate(
    ours: Callable[[], None], peer: Callable[[], None], runs: int
) -> tuple[list[float], list[float]]:
    """Time both in turn, so that what else the machine does hits both."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(runs):
        for position, action in enumerate((ours, peer)):
            started = time.perf_counter()
            action()
            times[position].append(time.perf_counter() - started)
    return times


def one_change(
    client: DockerClient, root: Path, catalog: Catalog, *, all_too: bool
) -> list[Figure]:
    """Change one dependency of one image in a copy of the checkout: which images get built?

    With `all_too` every published image is rebuilt without cache to compare with.
    """
    with _copy(root) as copy:
        _change(copy)
        with stage(f"build-one-change: {CHANGED_IMAGE} with {ADDED_DEPENDENCY}"):
            started = time.perf_counter()
            copied = load(copy / "packages")
            made = planning.make_plan(planning.look(copied, copied.published))
            planned = time.perf_counter() - started
            seconds = planned + _bake(client, copy, made.to_build)
    names = [step.spec.name for step in made.to_build]
    peer: tuple[float, ...] = ()
    if all_too:
        found = planning.look(catalog, catalog.published)
        made = planning.make_plan(found, force=True)
        with stage(f"rebuild-all: {len(made.to_build)} images without cache"):
            peer = (_bake(client, root, made.to_build),)
    common: dict[str, Any] = {"benchmark": "build-one-change", "peer_name": "a rebuild of all"}
    return [
        Figure(
            subject="images built",
            unit="images",
            ours=(float(len(names)),),
            peer=(float(len(catalog.published)),),
            target=1 / len(catalog.published),
            note=f"One dependency of {CHANGED_IMAGE} changed; built: {', '.join(names)}.",
            **common,
        ),
        Figure(
            subject="time",
            unit="s",
            ours=(seconds,),
            peer=peer,
            note="Plan and build without cache, tags not counted."
            + ("" if peer else " The rebuild of all was not asked for (--only rebuild-all)."),
            **common,
        ),
    ]


def changed(pyproject: str, dependency: str) -> str:
    """The pyproject.toml with one more dependency; raises ValueError when it lists none."""
    head, list_start, rest = pyproject.partition("\ndependencies = [\n")
    if not list_start:
        raise ValueError("no `dependencies = [` on a line of its own")
    return f"{head}{list_start}    {json.dumps(dependency)},\n{rest}"


def _change(copy: Path) -> None:
    file = copy / "packages" / CHANGED_IMAGE / "pyproject.toml"
    try:
        text = changed(file.read_text(encoding="utf-8"), ADDED_DEPENDENCY)
    except ValueError as error:
        raise ActionError(f"{CHANGED_IMAGE}: pyproject.toml cannot be changed: {error}") from None
    file.write_text(text, encoding="utf-8")
    with stage(f"locking the changed {CHANGED_IMAGE}"):
        process.checked("uv", "lock", "--quiet", "--directory", file.parent, cwd=copy)


@contextmanager
def _copy(root: Path) -> Iterator[Path]:
    """A copy of the checkout's tracked files as they are in the work tree."""
    listed = process.checked("git", "ls-files", "-z", cwd=root).split("\0")
    with tempfile.TemporaryDirectory(prefix="jhub-docker-bench-") as folder:
        for name in filter(None, listed):
            source, target = root / name, Path(folder) / name
            if source.exists() or source.is_symlink():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target, follow_symlinks=False)
        yield Path(folder)


def definition(
    steps: Iterable[Step], folders: Mapping[str, Path], no_cache: Iterable[str] = ()
) -> dict[str, Any]:
    """A bake file for these steps, under tags and with labels that nobody takes for the real."""
    made = bake.definition(
        steps,
        folders=folders,
        labels=LABELS,
        environment=os.environ,
        ca_bundle=machine.ca_bundle(),
        no_cache=no_cache,
    )
    for name, target in made["target"].items():
        target["tags"] = [_tag(name)]
        # The real image's labels would offer it on the hub and make the plan find it.
        target["labels"] = LABELS
    return made


def _tag(name: str) -> str:
    return f"{_REPOSITORY}-{name}:latest"


def _bake(client: DockerClient, root: Path, steps: Iterable[Step]) -> float:
    """Build the steps without cache; returns the seconds and leaves no image behind."""
    steps = list(steps)
    log_file = root / ".dev" / "logs" / "bench.jsonl"
    log_file.parent.mkdir(parents=True, exist_ok=True)
    files = {step.spec.name: step.files for step in steps}
    with (
        _removing(client),
        log_file.open("w", encoding="utf-8") as log,
        contexts.laid_out(root, files) as folders,
    ):
        baked = definition(steps, folders, no_cache=list(files))
        started = time.perf_counter()
        outcome = bake.run(baked, show=say, log=log)
        seconds = time.perf_counter() - started
    if not outcome.succeeded:
        raise ActionError(f"the bake failed: {outcome.errors or outcome.message}")
    return seconds


@contextmanager
def _removing(client: DockerClient) -> Iterator[None]:
    """Remove the images made here, also those that a killed run left."""
    try:
        yield
    finally:
        for image in client.images.list(filters={"label": f"{LABEL}.bench=build"}):
            for tag in image.tags:
                if tag.startswith(_REPOSITORY):
                    client.images.remove(tag)
