"""Copies all records into another database, in one transaction, and compares row by row there."""

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from jupyterhub import orm
from sqlalchemy import (
    Connection,
    CursorResult,
    Integer,
    MetaData,
    Table,
    func,
    insert,
    inspect,
    select,
    text,
)

from hub_config import DatabaseError, concerns, rotation
from hub_config.database import Base, MovedRow, is_up_to_date, revision
from hub_config.first_start import Records
from hub_config.moments import written

ALL: tuple[MetaData, ...] = (orm.Base.metadata, Base.metadata)
"""All tables: JupyterHub's with NativeAuthenticator's, and the platform's own."""

DECLARED_BY = (concerns, rotation)
"""Modules that import whatever declares a table."""

ROWS = 1000
"""Rows that are held in memory at once."""

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


def tables(known: Sequence[MetaData] = ALL) -> list[Table]:
    """All tables, each after those that its rows point to."""
    found = [one for metadata in known for one in metadata.sorted_tables]
    return [one for one in found if one.name != MovedRow.__tablename__]


def opened(database: Records) -> AbstractContextManager[Connection]:
    """A connection for one transaction, which sees one state throughout."""
    return rotation.writing(database, isolation_level="REPEATABLE READ")


def fill(source: Records, target: Records, mark: str) -> dict[str, Sum]:
    """Copy all in one transaction of the target. Raises DatabaseError when anything differs."""
    with opened(source) as given, opened(target) as taking:
        known = ALL if is_up_to_date(source) else (_as_found(given),)
        for connection in (given, taking):
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        for metadata in reversed(ALL):
            metadata.drop_all(taking)
        taking.exec_driver_sql("DROP TABLE IF EXISTS alembic_version")
        taking.exec_driver_sql(_ALEMBIC)
        found = {"found": revision(source)}
        taking.execute(text("INSERT INTO alembic_version VALUES (:found)"), found)
        for metadata in known:
            metadata.create_all(taking)
        there = set(inspect(given).get_table_names())
        sums = {
            one.name: _copied(one, given, taking) if one.name in there else Sum()
            for one in tables(known)
        }
        for one in tables(known):
            if (came := _sum(one, taking)) != sums[one.name]:
                raise DatabaseError(
                    f"Nothing was copied: the table {one.name} came out different, with "
                    f"{came.rows} rows of {sums[one.name].rows}"
                )
            _set_sequence(one, taking)
        if mark:
            taking.execute(insert(MovedRow).values(to=mark, at=written()))
    return sums


def _as_found(given: Connection) -> MetaData:
    """The tables of a hub that is older than this one, of which nothing else knows what they are
    like, in types that every database has.
    """
    found = MetaData()
    found.reflect(given)
    found.remove(found.tables["alembic_version"])
    for table in found.tables.values():
        for column in table.columns:
            column.type, column.server_default = column.type.as_generic(), None
    return found


def fill_file(source: Records, target: Path, mark: str) -> dict[str, Sum]:
    """The same into a file of its own, which takes the target's place when it is complete."""
    unfinished = target.with_name(f".{target.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    os.close(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    sums = fill(source, unfinished, mark)
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
