"""The hub's settings."""

from invoke.context import Context

from jhub_docker import host
from jhub_docker.cli.task import ROOT, task, write
from jhub_docker.progress import say


@task()
def check(context: Context) -> None:
    """Say whether the hub's settings can be used, without starting anything."""
    from jhub_docker import platform  # noqa: PLC0415 - see platform.py

    client = host.require(say, set_up=False, needs={"compose"})
    write(platform.check(client, ROOT))
