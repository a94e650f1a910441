"""Benchmarks: each measures one figure beside a peer's in the same run."""

from pathlib import Path

from docker import DockerClient


def run(client: DockerClient, root: Path, only: list[str], *, runs: int) -> str:
    """Placeholder while the benchmarks are written."""
    raise NotImplementedError
