"""One run of the benchmarks, from the names asked for to the JSON file and the tables."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from docker import DockerClient

from jhub_bench import (
    backups,
    build_time,
    cancelled_starts,
    hub_restart,
    load,
    login_storm,
    page,
    record,
    report,
    scale_page,
    servers,
    sizes,
    spawn_storm,
)
from jhub_bench.curve import figures
from jhub_bench.figures import Figure
from jhub_bench.selection import COMPILED, check_numbers, select
from jhub_docker import catalog as catalogs
from jhub_docker.build import bases, marks
from jhub_docker.errors import ActionError, JhubDockerError
from jhub_docker.nox import TEST_TAG
from jhub_docker.progress import say


@dataclass
class _Findings:
    """The figures so far, and the benchmarks that failed: one failure costs only its own."""

    figures: list[Figure] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def add(self, name: str, measure: Callable[[], list[Figure]]) -> None:
        """Measure; a failure is kept with the benchmark's name."""
        try:
            self.figures += measure()
        except (JhubDockerError, AssertionError) as error:
            say(f"    {name} failed: {error}")
            self.failures.append(f"{name}: {error}")


def run(client: DockerClient, root: Path, only: Iterable[str], *, runs: int, size: int = 0) -> str:
    """Measure, write `.bench/<time>.json`, and return the tables.

    The images are brought up to date first. Raises UsageError for an unknown benchmark, and
    ActionError with all there is to tell when a benchmark failed; the others' figures are written.
    """
    names = select(only)
    check_numbers(runs, size)
    started = datetime.now(UTC)
    before = record.previous(root)
    build_time.bring_up_to_date(client, root)
    # `latest` may be what another checkout has built last.
    os.environ.setdefault(TEST_TAG, marks.checkout_tag(root) + bases.lane_suffix())
    load_before = record.load()
    found = _measure(client, root, names, runs, size)
    path = record.write(root, client, found.figures, started, runs, load_before)
    busy = f"Load average {load_before:.1f} before, {record.load():.1f} after."
    text = f"{report.text(found.figures, before)}\n\n{busy} Written to {path.relative_to(root)}"
    if found.failures:
        raise ActionError("\n".join([*found.failures, "", text]))
    return text


def _measure(client: DockerClient, root: Path, names: list[str], runs: int, size: int) -> _Findings:
    catalog = catalogs.load(root / "packages")
    found = _Findings()

    def of_servers(suffix: str) -> list[Figure]:
        with servers.both(client, root, catalog, compiled=bool(suffix)) as pairs:
            if f"spawn{suffix}" in names:
                found.add(f"spawn{suffix}", lambda: servers.spawn(pairs, runs))
            if f"memory{suffix}" in names:
                found.add(f"memory{suffix}", lambda: servers.idle_memory(pairs, runs))
            if f"page{suffix}" in names:
                found.add(f"page{suffix}", lambda: page.measure(pairs, runs))
        return []

    for suffix in ("", COMPILED):
        if {f"{name}{suffix}" for name in ("spawn", "memory", "page")} & set(names):
            found.add("spawn, memory and page", partial(of_servers, suffix))
    if "build-unchanged" in names:
        found.add("build-unchanged", lambda: build_time.unchanged(client, root, catalog, runs))
    if "build-one-change" in names or "rebuild-all" in names:
        all_too = "rebuild-all" in names
        found.add(
            "build-one-change",
            lambda: build_time.one_change(client, root, catalog, all_too=all_too),
        )
    starts, many = size or cancelled_starts.STARTS, size or load.CONTAINERS
    most, kept = size or load.STEPS[-1], partial(scale_page.Kept, client, root)
    alone: dict[str, Callable[[], list[Figure]]] = {
        "login-storm": lambda: login_storm.measure(root, runs),
        "spawn-storm": lambda: spawn_storm.measure(root),
        "hub-restart": lambda: hub_restart.measure(root, runs),
        "backup": lambda: backups.measure(root),
        "cancel": lambda: cancelled_starts.measure(root, starts),
        "scale": lambda: figures("scale", load.scale(root, many, kept("scale").add)),
        "load": lambda: figures(
            "load", load.load(client, root, most, kept("load", page=not size).add)
        ),
        "size": lambda: sizes.measure(client, root, catalog),
    }
    for name, measure in alone.items():
        if name in names:
            found.add(name, measure)
    return found
