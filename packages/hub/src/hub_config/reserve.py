"""Room that the database keeps for itself, so that a full disk ends neither log-ins nor the hub.

SQLite writes into pages of its file that are free, and into a journal beside it. Both are made
ahead, while there is room: then no file has to grow for what a hub writes in weeks, and it starts,
lets people in and remembers what they do on a disk without a byte left. File systems that write
everything anew (btrfs, ZFS) need room all the same.
"""

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from hub_config import DatabaseError, disk
from hub_config.database import is_up_to_date, revision
from hub_config.first_start import DATABASE_FILE

PAGES = 4 * 2**20
"""Bytes of free pages in the database: a log-in takes a few thousand at most."""

JOURNAL = 2 * 2**20
"""Bytes of the journal at least: what one transaction may change of the pages that were there."""

TABLE = "platform_reserve"


def keep(session: Session) -> bool:
    """Make the reserve, or as much as is missing; False while there is no room for it."""
    url = session.get_bind().engine.url
    file = url.database
    if url.get_backend_name() != "sqlite" or not file or file == ":memory:":
        return True
    try:
        _lengthen(_journal(Path(file)))
        if _free_pages(session) >= PAGES // 2:
            return True
        if disk.free(Path(file).parent) < 2 * PAGES + disk.FULL:
            return False
        # Two transactions: pages that are made and freed in one are never written at all.
        session.execute(text(f"CREATE TABLE IF NOT EXISTS {TABLE} (filler BLOB)"))
        session.execute(text(f"INSERT INTO {TABLE} VALUES (zeroblob({PAGES}))"))  # noqa: S608
        session.commit()
        session.execute(text(f"DROP TABLE {TABLE}"))
        session.commit()
    except SQLAlchemyError:
        session.rollback()
        return False
    except OSError as error:
        if error.errno not in disk.NO_ROOM:
            raise
        return False
    return True


def _free_pages(session: Session) -> int:
    """Bytes of the database's file that hold nothing."""
    pages, size = (
        int(session.execute(text(f"PRAGMA {name}")).scalar() or 0)
        for name in ("freelist_count", "page_size")
    )
    return pages * size


def _journal(database: Path) -> Path:
    return database.with_name(f"{database.name}-journal")


def _lengthen(journal: Path) -> None:
    """Give the journal its size; SQLite takes zeros for no journal, and others at its end for none
    of its own. Raises OSError where there is no room.
    """
    descriptor = os.open(journal, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if os.fstat(descriptor).st_size < JOURNAL:
            os.posix_fallocate(descriptor, 0, JOURNAL)
    finally:
        os.close(descriptor)


def require_room(data: Path) -> None:
    """Raise DatabaseError where the hub cannot start since the disk is full: the reserve was never
    made, or an older database has to be copied first. Otherwise it starts.
    """
    database = data / DATABASE_FILE
    needed = JOURNAL
    why = "and the hub has made no reserve here yet"
    if database.exists() and _is_older(database):
        needed += 2 * database.stat().st_size
        why = "and a database of an older hub is copied before it is brought up to date"
    try:
        _play_back(database)
        _lengthen(_journal(database))
        if needed == JOURNAL or disk.free(data) >= needed:
            return
    except OSError as error:
        if error.errno not in disk.NO_ROOM:
            raise
    raise DatabaseError(
        f"The disk of the data volume ({data}) is full, {why}: it cannot start before "
        f"{needed / 1e6:.0f} MB are free. `./dev invoke clean` on the Docker host says what can "
        "go; on Kubernetes, enlarge the hub's claim."
    )


def _play_back(database: Path) -> None:
    """Undo what a hub that was killed had begun, as SQLite does at the first look: but in a mode in
    which it keeps the journal, whose room is all there may be (PRAGMA locking_mode).
    """
    if database.exists():
        with suppress(sqlite3.Error), closing(sqlite3.connect(database)) as connection:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("SELECT 1 FROM sqlite_master").fetchall()
            connection.execute("PRAGMA journal_mode = PERSIST")


def _is_older(database: Path) -> bool:
    return bool(revision(database)) and not is_up_to_date(database)
