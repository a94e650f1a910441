"""Measuring: how fast and how large, each figure beside a peer's from the same run."""

from jhub_bench.selection import BY_NAME, DEFAULT, check_numbers, select
from jhub_docker import host, process
from jhub_docker.cli.task import ROOT, task
from jhub_docker.errors import ActionError

ENVIRONMENT = ".dev/bench"
"""Where uv puts the environment of the benchmarks, which use the tests' dependencies as well."""


@task(
    iterable=["only"],
    help={
        "only": f"One of {', '.join(DEFAULT)}; or, which take minutes more, {', '.join(BY_NAME)}. "
        "Can be given several times (default: the former).",
        "runs": "Number of measured runs of each (default 10).",
        "size": "Servers of `scale` (default 300) and `load` (default 2000), cancelled starts of "
        "`cancel` (default 200).",
    },
)
def bench(only: list[str], runs: int = 10, size: int = 0, yes: bool = False) -> None:
    """Measure builds, spawns, memory and sizes beside a peer; write JSON, compare with the last."""
    check_numbers(runs, size)
    options = [f"--only={name}" for name in select(only)]
    host.require(assume_yes=yes)
    python = ("uv", "run", "--quiet", "--locked", "--group", "test", "python")
    if process.show(
        *(*python, "-m", "jhub_bench", f"--runs={runs}", f"--size={size}", *options),
        cwd=ROOT,
        environment={"UV_PROJECT_ENVIRONMENT": ENVIRONMENT},
    ):
        raise ActionError("the benchmarks did not all succeed; see the messages above")
