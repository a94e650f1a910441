"""The Docker Engine by hand. `up` and `build` call for one by themselves."""

from jhub_docker import host
from jhub_docker.cli.task import task


@task()
def start(yes: bool = False) -> None:
    """Start an engine where none answers, installing it first on Debian and its family."""
    host.start(assume_yes=yes)


@task()
def stop() -> None:
    """Stop the engine that engine.start started, and no other."""
    host.stop()
