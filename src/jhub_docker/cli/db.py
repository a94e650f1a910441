"""The hub's database."""

from invoke.context import Context

from jhub_docker.cli.task import ROOT, platform_engine, task, write


@task(
    help={
        "to": "postgres, which JHUB_DB_URL names, or sqlite, the file in the data volume.",
        "replace": "Throw away what is there already.",
        "yes": "Do not ask before that.",
    }
)
def move(context: Context, to: str, replace: bool = False, yes: bool = False) -> None:
    """Move all of the hub's records to PostgreSQL or back; each row is compared."""
    from jhub_docker.errors import UsageError  # noqa: PLC0415 - see platform.py
    from jhub_docker.platform import moving  # noqa: PLC0415

    if to not in moving.TO:
        raise UsageError(f"--to is {to!r}; expected one of: {', '.join(moving.TO)}")
    write(moving.move(platform_engine(), ROOT, to, replace=replace, assume_yes=yes))
