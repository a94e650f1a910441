"""Moves all records from SQLite to PostgreSQL or back, while no hub runs, and keeps copies of what
is in PostgreSQL as files of SQLite: a backup is the same on both, whatever the server's version.

What was read is compared with what the target has, row by row, before it counts. The source stays
as it was but for a row that says that its records went elsewhere, so that no hub goes on with them;
the same row is in the target until the source has it. So of two databases one is in use at most,
whenever this ends, and to run it again completes it.
"""

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from jupyterhub import orm
from sqlalchemy import delete, insert
from sqlalchemy.exc import DBAPIError

from hub_config import DatabaseError
from hub_config.copying import fill, fill_file, opened
from hub_config.database import (
    Base,
    MovedRow,
    drop_repeated_copies,
    is_moved,
    is_there,
    is_up_to_date,
    require_known_schema,
)
from hub_config.first_start import DATABASE_FILE, Places, Records
from hub_config.moments import written

TO = ("postgres", "sqlite")

COPY = "postgres.sqlite"
"""The copy that backups and upgrades take, in the data volume."""

UNFINISHED = "unfinished"
"""The mark of a target whose source is not marked yet."""


def move(places: Places, to: str, *, replace: bool = False) -> str:
    """Move them; returns what was done. Raises DatabaseError where it cannot be, for any reason.

    With `replace`, whatever records the target has are thrown away.
    """
    if nothing := judge(places, to, replace=replace):
        return nothing
    source, target = _ends(places, to)
    try:
        if isinstance(target, str):
            sums = fill(source, target, UNFINISHED)
        else:
            sums = fill_file(source, target, UNFINISHED)
        _mark(source, to)
        _mark(target, "")
    except DBAPIError as error:
        raise _failed(f"Nothing was moved from {source}", error) from None
    rows = sum(one.rows for one in sums.values())
    people = sums[orm.User.__tablename__].rows
    return f"Moved {people} people, {rows} rows of {len(sums)} tables to {target}, all compared."


def judge(places: Places, to: str, *, replace: bool = False) -> str:
    """Why there is nothing to move; empty where there is. Raises DatabaseError where nothing can
    be. The hub may run meanwhile.
    """
    if not places.db_url:
        raise DatabaseError("JHUB_DB_URL is not set; expected the address of PostgreSQL's database")
    source, target = _ends(places, to)
    require_movable(source)
    if is_there(target) and not is_moved(target):
        if is_moved(source):
            return f"The records are in {target} already, so nothing was moved."
        if not replace:
            raise DatabaseError(
                f"{target} is not empty, so nothing was moved; with --replace its records are "
                "thrown away"
            )
    return ""


def _ends(places: Places, to: str) -> tuple[Records, Records]:
    """Where the records are, and where they go."""
    file = places.data / DATABASE_FILE
    return (file, places.db_url) if to == "postgres" else (places.db_url, file)


def copy(places: Places) -> Path:
    """Keep a copy of what is in PostgreSQL; its file. Raises DatabaseError where it cannot be."""
    return _kept(places, places.data / COPY)


def keep_before_upgrade(places: Places) -> None:
    """The same under a name as JupyterHub gives copies that it makes of SQLite before it changes
    tables (dbutil.py, backup_db_file): nothing else keeps one of PostgreSQL.
    """
    _kept(places, places.data / f"{DATABASE_FILE}.{datetime.now(UTC):%Y-%m-%d-%H%M%S}")
    drop_repeated_copies(places.data, places.records)


def _kept(places: Places, file: Path) -> Path:
    try:
        fill_file(places.records, file, "")
    except DBAPIError as error:
        raise _failed(f"No copy was made of {places.records}", error) from None
    return file


def _failed(what: str, error: DBAPIError) -> DatabaseError:
    return DatabaseError(f"{what}: {' '.join(str(error.orig).split())}")


def require_movable(source: Records) -> None:
    """Raises DatabaseError unless the source has records of this very version."""
    if not is_there(source):
        raise DatabaseError(f"There are no records in {source}, so nothing was moved")
    require_known_schema(source)
    if not is_up_to_date(source):
        raise DatabaseError(
            f"{source} is of an older hub: start this one with it once, which brings it up to date"
        )


def _mark(database: Records, to: str) -> None:
    """Note that the records went elsewhere; with nothing, that they are here."""
    with opened(database) as connection:
        Base.metadata.tables[MovedRow.__tablename__].create(connection, checkfirst=True)
        connection.execute(delete(MovedRow))
        if to:
            connection.execute(insert(MovedRow).values(to=to, at=written()))


def command(places: Places, arguments: Sequence[str]) -> int:
    """`copy`, nothing where SQLite has the records, `move TO [--replace]`, or `movable`, which says
    why nothing is to move; the exit code.
    """
    parser = argparse.ArgumentParser(prog="hub_config")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("copy")
    for name in ("move", "movable"):
        moves = commands.add_parser(name)
        moves.add_argument("to", choices=TO)
        moves.add_argument("--replace", action="store_true", help="throw the target's records away")
    given = parser.parse_args(arguments)
    if given.command != "copy":
        print(
            {"move": move, "movable": judge}[given.command](places, given.to, replace=given.replace)
        )
    elif places.db_url:
        copy(places)
    return 0
