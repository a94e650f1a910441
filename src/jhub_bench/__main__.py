"""`python -m jhub_bench [--only NAME]... [--runs N]`: measure, write JSON, show tables."""

import argparse
import sys
from pathlib import Path

from jhub_bench.run import run
from jhub_docker import engine
from jhub_docker.errors import or_exit


def main(arguments: list[str]) -> int:
    """Run the benchmarks in the current directory's checkout; returns the exit code."""
    parser = argparse.ArgumentParser(prog="jhub_bench", description="Measure beside peers.")
    parser.add_argument("--only", action="append", default=[], help="a benchmark's name")
    parser.add_argument("--runs", type=int, default=10, help="measured runs of each")
    parser.add_argument(
        "--size", type=int, default=0, help="servers of scale and load, starts of cancel"
    )
    options = parser.parse_args(arguments)
    with or_exit():
        client, size = engine.client(), options.size
        print(run(client, Path.cwd(), options.only, runs=options.runs, size=size))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
