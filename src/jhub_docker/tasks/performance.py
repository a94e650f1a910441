"""Measuring: how fast and how large, each figure beside a peer's from the same run."""

from invoke.context import Context

from jhub_docker import bench as benchmarks
from jhub_docker import engine
from jhub_docker.progress import say
from jhub_docker.tasks.task import ROOT, task, write


@task(
    iterable=["only"],
    help={
        "only": "One benchmark by name; can be given several times (default: all).",
        "runs": "Number of measured runs of each (default 10).",
        "yes": "Set an engine up without asking where none answers.",
    },
)
def bench(context: Context, only: list[str], runs: int = 10, yes: bool = False) -> None:
    """Measure builds, spawns, memory and sizes beside a peer; write JSON, compare with the last."""
    client = engine.require(say, assume_yes=yes)
    write(benchmarks.run(client, ROOT, only, runs=runs))
