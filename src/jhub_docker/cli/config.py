"""The hub's settings."""

from invoke.context import Context

from jhub_docker.cli.task import ROOT, platform_engine, task, write


@task()
def check(context: Context) -> None:
    """Say whether the hub's settings can be used, without starting anything."""
    from jhub_docker import platform  # noqa: PLC0415 - see platform.py

    client = platform_engine()
    write(platform.check(client, ROOT))
