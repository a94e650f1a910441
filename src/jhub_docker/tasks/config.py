"""The hub's settings."""

from invoke.context import Context

from jhub_docker import engine
from jhub_docker.progress import say
from jhub_docker.tasks.task import ROOT, task, write


@task()
def check(context: Context) -> None:
    """Say whether the hub's settings can be used, without starting anything."""
    from jhub_docker import platform  # noqa: PLC0415 - see platform.py

    client = engine.require(say, set_up=False, needs={"compose"})
    write(platform.check_settings(client, ROOT))
