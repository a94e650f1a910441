"""The platform: start it, stop it, see how it is; its settings and its database."""

import json
import sys
import time
from collections.abc import Callable

from invoke.exceptions import Exit

from jhub_docker import host
from jhub_docker.build import bases, builds
from jhub_docker.cli import tables
from jhub_docker.cli.task import ROOT, later, platform_root, task, write
from jhub_docker.errors import ActionError, one_of
from jhub_docker.progress import stage

with later():
    from jhub_docker import clean as cleaners
    from jhub_docker.doctor import bundle, examination, fixing
    from jhub_docker.platform import (
        building,
        configuration,
        moving,
        now,
        server_logs,
        stopping,
        upgrading,
    )
    from jhub_docker.platform import usage as used

WATCH_SECONDS = 5.0
_CLEAR = "\x1b[H\x1b[2J\x1b[3J"


@task(help={"build": "Build what is out of date first (--no-build: start what is there)."})
def up(base: str = "auto", build: bool = True, yes: bool = False) -> None:
    """Build what is out of date, start hub and proxy, and print where to log in."""
    bases.mode(base)
    host.require(assume_yes=yes)
    was = building.seen(ROOT)
    if build:
        _build(base)
    write(upgrading.up(ROOT, was))


def _build(base: str) -> None:
    results = building.build(ROOT, base)
    # What was there already was told when it was built.
    if changed := [one for one in results if one.outcome != "unchanged"]:
        write(tables.builds(changed))
    if told := builds.failed(results):
        raise ActionError(told)


@task(
    help={
        "build": "Build what is out of date first (--no-build: take what is there).",
        "rollback": "Go back to what was before the last upgrade; says first what that loses.",
    }
)
def upgrade(
    base: str = "auto",
    build: bool = True,
    dry_run: bool = False,
    rollback: bool = False,
    yes: bool = False,
) -> None:
    """Bring the platform to new images, try it out, and go back by itself when that fails.

    Proxy and people's servers go on; what there is is looked at and kept before anything stops.
    """
    bases.mode(base)
    host.require(set_up=False)
    if rollback:
        write(upgrading.rollback(ROOT, assume_yes=yes))
        return
    was = building.seen(ROOT)
    if build and not dry_run:
        _build(base)
    with stage("looking at platform and engine"):
        examined = examination.examine(ROOT)
    wrong, worries = examined.before_an_upgrade()
    write(upgrading.upgrade(ROOT, was, wrong=wrong, worries=worries, dry_run=dry_run))


@task(
    help={
        "servers": "Also stop the servers people are working on (their files stay).",
        "volumes": "Stop the servers too and delete ALL data: the database, everybody's files.",
    }
)
def down(servers: bool = False, volumes: bool = False, yes: bool = False) -> None:
    """Stop hub and proxy; people's servers and all data stay unless asked otherwise."""
    write(stopping.down(platform_root(), servers=servers, volumes=volumes, assume_yes=yes))


@task(
    help={
        "sort": "The column to sort by: person, server, profile, state, cpu, memory, home, idle or "
        "address; of figures the largest comes first.",
        "watch": "Show it again every few seconds, until Ctrl-C.",
    }
)
def status(sort: str = "person", watch: bool = False, json_: bool = False) -> None:
    """Show services, people's servers with what they take, queue, disk, and who is near a limit."""
    root = platform_root()

    def look() -> str:
        seen = now.look(root, sort)
        return json.dumps(seen.told(), indent=None if watch else 2) if json_ else seen.text()

    if watch:
        again(look)
    write(look())


def again(look: Callable[[], str], wait: Callable[[float], None] = time.sleep) -> None:
    """Show a text, each time in place of the one before. Ctrl-C ends it, with exit code 0."""
    try:
        while True:
            text = look()
            write(f"{_CLEAR}{text}" if sys.stdout.isatty() else text)
            sys.stdout.flush()
            wait(WATCH_SECONDS)
    except KeyboardInterrupt:
        raise Exit(code=0) from None


@task(
    iterable=["kind"],
    help={
        "kind": "Only this kind: images, cache, orphans or copies (of the database); can be given "
        "several times (default: all)."
    },
)
def clean(kind: list[str], dry_run: bool = False, yes: bool = False) -> None:
    """List old builds, unused cache, leftovers, old database copies; remove them when told.

    Never a home, what runs, or what another checkout marked.
    """
    write(cleaners.clean(platform_root(), kind, dry_run=dry_run, assume_yes=yes))


@task(
    help={
        "service": "A service, a person, or one server such as ann/desk (default: all services).",
        "follow": "Go on as new lines come.",
        "tail": "Number of last lines to show of each.",
        "since": "Only what came since: 30m, 168h, 2026-11-30T12:00.",
    }
)
def logs(service: str = "", follow: bool = False, tail: int = 200, since: str = "") -> None:
    """Show the logs of the services, or of a person's servers: `logs ann --since 1h`."""
    server_logs.logs(platform_root(), service, follow=follow, tail=tail, since=since)


@task(help={"month": "A month such as 2026-11 (default: this one, in UTC)."})
def usage(month: str = "", json_: bool = False) -> None:
    """Print servers' hours, CPU hours and GB-hours of memory, for each person and group."""
    told = used.usage(platform_root(), month)
    write(json.dumps(told, indent=2) if json_ else used.text(told))


@task(help={"fix": "Mend what takes nothing away from anybody, then look again."})
def doctor(json_: bool = False, fix: bool = False, yes: bool = False) -> None:
    """Say what is wrong with platform and engine, what it means and what to do.

    Changes nothing without --fix. Exit code 1 when a finding is an error; warnings are none.
    """
    seen = examination.examine(ROOT)
    if fix:
        fixing.fix(ROOT, seen.findings, assume_yes=yes)
        seen = examination.examine(ROOT)
    write(json.dumps(seen.told(), indent=2) if json_ else seen.text())
    if not seen.well:
        raise Exit(code=ActionError.exit_code)


@task(help={"to": "The file to write (default: jhub-report-TIME.tar.gz here)."})
def report(to: str = "") -> None:
    """Pack versions, settings, the doctor's findings and the last logs, without secrets."""
    write(bundle.report(platform_root(), to))


@task()
def check() -> None:
    """Say whether the hub's settings can be used, without starting anything."""
    write(configuration.check(platform_root()))


@task(
    help={
        "to": "postgres, which JHUB_DB_URL names, or sqlite, the file in the data volume.",
        "replace": "Throw away what is there already.",
    }
)
def move(to: str, replace: bool = False, yes: bool = False) -> None:
    """Move all of the hub's records to PostgreSQL or back; each row is compared."""
    one_of("--to", to, moving.TO)
    write(moving.move(platform_root(), to, replace=replace, assume_yes=yes))
