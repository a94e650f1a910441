"""Moves all records from SQLite to PostgreSQL or back, while no hub runs.

What was read is compared with what the target has, row by row, before it counts. The source stays
as it was but for a row that says that its records went elsewhere, so that no hub goes on with them;
the same row is in the target until the source has it. So of two databases one is in use at most,
whenever this ends, and to run it again completes it.
"""

import argparse
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from alembic.script import ScriptDirectory
from jupyterhub import orm
from jupyterhub.dbutil import ALEMBIC_DIR
from sqlalchemy import (
    Connection,
    CursorResult,
    Integer,
    MetaData,
    Table,
    create_engine,
    delete,
    func,
    insert,
    inspect,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError

from hub_config import DatabaseError, concerns, rotation
from hub_config.database import (
    STEPS,
    Base,
    MovedRow,
    is_moved,
    is_there,
    own_revision,
    require_known_schema,
    revision,
)
from hub_config.first_start import DATABASE_FILE, Places, Records, address

ALL: tuple[MetaData, ...] = (orm.Base.metadata, Base.metadata)
"""All tables: JupyterHub's with NativeAuthenticator's, and the platform's own."""

DECLARED_BY = (concerns, rotation)
"""Modules that import whatever declares a table."""

ROWS = 1000
"""Rows that are held in memory at once."""

TO = ("postgres", "sqlite")

_ALEMBIC = (
    "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL,"
    " CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
)


@dataclass(frozen=True)
class Sum:
    """How many rows a table has, and a sum of them that does not depend on their order."""

    rows: int = 0
    total: int = 0

    def add(self, row: Any) -> "Sum":
        """The sum with one row more."""
        one = int.from_bytes(sha256(repr(tuple(row)).encode()).digest())
        return Sum(self.rows + 1, (self.total + one) % 2**256)


def tables() -> Iterator[Table]:
    """All tables, each after those that its rows point to."""
    for metadata in ALL:
        yield from (one for one in metadata.sorted_tables if one is not MovedRow.__table__)


def move(places: Places, to: str, *, replace: bool = False) -> str:
    """Move them; returns what was done. Raises DatabaseError where it cannot be, for any reason.

    With `replace`, whatever records the target has are thrown away.
    """
    file = places.data / DATABASE_FILE
    if not places.db_url:
        raise DatabaseError("JHUB_DB_URL is not set; expected the address of PostgreSQL's database")
    source, target = (file, places.db_url) if to == "postgres" else (places.db_url, file)
    require_movable(source, target, replace=replace)
    try:
        sums = _fill(source, target) if isinstance(target, str) else _fill_file(source, target)
        _mark(source, to)
        _mark(target, "")
    except DBAPIError as error:
        said = " ".join(str(error.orig).split())
        raise DatabaseError(f"Nothing was moved from {source}: {said}") from None
    rows = sum(one.rows for one in sums.values())
    people = sums[orm.User.__tablename__].rows
    return f"Moved {people} people, {rows} rows of {len(sums)} tables to {target}, all compared."


def require_movable(source: Records, target: Records, *, replace: bool) -> None:
    """Raises DatabaseError unless the source has records of this very version, and the target none
    that count.
    """
    if not is_there(source):
        raise DatabaseError(f"There are no records in {source}, so nothing was moved")
    require_known_schema(source)
    head = ScriptDirectory(ALEMBIC_DIR).get_current_head()
    if revision(source) != head or own_revision(source) != len(STEPS):
        raise DatabaseError(
            f"{source} is of an older hub: start this one with it once, which brings it up to date"
        )
    if not is_there(target) or is_moved(target) or replace:
        return
    if is_moved(source):
        raise DatabaseError(f"The records are in {target} already, so nothing was moved")
    raise DatabaseError(
        f"{target} is not empty, so nothing was moved; with --replace its records are thrown away"
    )


@contextmanager
def _opened(database: Records) -> Iterator[Connection]:
    """A connection for one transaction, which sees one state throughout."""
    options = (
        {"isolation_level": "REPEATABLE READ"}
        if isinstance(database, str)
        else {"connect_args": {"timeout": 60}}
    )
    engine = create_engine(address(database), **options)
    try:
        with engine.begin() as connection:
            if isinstance(database, Path):
                connection.exec_driver_sql("BEGIN IMMEDIATE")  # pysqlite begins none for DDL
            yield connection
    finally:
        engine.dispose()


def _fill(source: Records, target: Records) -> dict[str, Sum]:
    """Copy all in one transaction of the target. Raises DatabaseError when anything differs."""
    with _opened(source) as given, _opened(target) as taking:
        if isinstance(target, str):
            taking.exec_driver_sql("SET LOCAL statement_timeout = 0")
        for metadata in reversed(ALL):
            metadata.drop_all(taking)
        taking.exec_driver_sql("DROP TABLE IF EXISTS alembic_version")
        for metadata in ALL:
            metadata.create_all(taking)
        taking.exec_driver_sql(_ALEMBIC)
        taking.execute(
            text("INSERT INTO alembic_version VALUES (:found)"), {"found": revision(source)}
        )
        there = set(inspect(given).get_table_names())
        sums = {
            one.name: _copied(one, given, taking) if one.name in there else Sum()
            for one in tables()
        }
        for one in tables():
            if (found := _sum(one, taking)) != sums[one.name]:
                raise DatabaseError(
                    f"Nothing was moved: the table {one.name} came out different, with {found.rows}"
                    f" rows of {sums[one.name].rows}"
                )
            _set_sequence(one, taking)
        taking.execute(insert(MovedRow).values(to="unfinished", at=_now()))
    return sums


def _fill_file(source: Records, target: Path) -> dict[str, Sum]:
    """The same into a file of its own, which takes the target's place when it is complete."""
    unfinished = target.with_name(f"{target.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    sums = _fill(source, unfinished)
    unfinished.chmod(0o600)
    for end in ("-journal", "-wal", "-shm"):
        unfinished.with_name(unfinished.name + end).unlink(missing_ok=True)
        target.with_name(target.name + end).unlink(missing_ok=True)
    os.sync()
    unfinished.replace(target)
    return sums


def _copied(table: Table, given: Connection, taking: Connection) -> Sum:
    found = Sum()
    for rows in _rows(table, given).partitions():
        for row in rows:
            found = found.add(row)
        taking.execute(table.insert(), [dict(row._mapping) for row in rows])
    return found


def _rows(table: Table, connection: Connection) -> CursorResult[Any]:
    return connection.execute(select(table), execution_options={"yield_per": ROWS})


def _sum(table: Table, connection: Connection) -> Sum:
    found = Sum()
    for row in _rows(table, connection):
        found = found.add(row)
    return found


def _set_sequence(table: Table, taking: Connection) -> None:
    """PostgreSQL counts by itself: the first new row would get the number of one that was moved."""
    column = table.autoincrement_column
    if taking.dialect.name == "postgresql" and column is not None:
        taking.execute(
            select(
                func.setval(
                    func.pg_get_serial_sequence(table.name, column.name),
                    func.coalesce(func.max(column), 1, type_=Integer),
                    func.max(column).is_not(None),
                )
            )
        )


def _mark(database: Records, to: str) -> None:
    """Note that the records went elsewhere; with nothing, that they are here."""
    with _opened(database) as connection:
        Base.metadata.tables[MovedRow.__tablename__].create(connection, checkfirst=True)
        connection.execute(delete(MovedRow))
        if to:
            connection.execute(insert(MovedRow).values(to=to, at=_now()))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def command(places: Places, arguments: Sequence[str]) -> int:
    """`move postgres|sqlite [--replace]`; the exit code."""
    parser = argparse.ArgumentParser(prog="hub_config move")
    parser.add_argument("to", choices=TO)
    parser.add_argument("--replace", action="store_true", help="throw the target's records away")
    given = parser.parse_args(arguments)
    print(move(places, given.to, replace=given.replace))
    return 0
