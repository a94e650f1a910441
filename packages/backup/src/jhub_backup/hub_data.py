"""The hub's database: copied while the hub writes to it, and fitted into another platform.

It is opened as the hub's own user: a journal that is played back leaves no file of root's.
"""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from jhub_backup.errors import BackupError

NAME, POSTGRES = "jupyterhub.sqlite", "postgres.sqlite"
"""The database, and the copy that the hub has kept of one in PostgreSQL."""

TABLES = ("platform_home_volumes", "platform_group_folders")
"""Where the hub says which volume is whose."""

COPY = """
import contextlib, json, os, sqlite3, sys
source, target = json.loads(sys.argv[1])
os.umask(0o077)
with contextlib.closing(sqlite3.connect(f"file:{source}?mode=rw", uri=True, timeout=60)) as a:
    with contextlib.closing(sqlite3.connect(target)) as b:
        a.backup(b)
        (said,) = b.execute("PRAGMA integrity_check(1)").fetchone()
        sys.exit(0 if said == "ok" else f"its check says: {said}")
"""


def copy(source: Path, folder: Path) -> Path:
    """A sound copy of the database in `folder`. Raises BackupError: it is missing or damaged."""
    if not source.exists():
        raise BackupError(f"{source.parent.name} has no database: no hub has started with it")
    owner = source.stat()
    folder.mkdir(mode=0o700)
    target = folder / NAME
    os.chown(folder, owner.st_uid, owner.st_gid)
    ended = subprocess.run(
        [sys.executable, "-I", "-c", COPY, json.dumps([str(source), str(target)])],
        **as_owner(owner),
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        said = ended.stderr.strip().splitlines() or ["no reason given"]
        raise BackupError(f"{source.name} cannot be copied: {said[-1]}")
    return target


def as_owner(owner: os.stat_result) -> dict[str, Any]:
    """What lets a program run as who owns something, as options of `subprocess.run`."""
    if owner.st_uid == os.geteuid():
        return {}
    return {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []}


def fit(database: Path, renamed: Mapping[str, str]) -> None:
    """Let a restored database know homes and groups' folders by the names their volumes have here.

    What is put aside is so as of now: it may be long since the backup was made, and the hub removes
    at once what was put aside for long enough.
    """
    with closing(sqlite3.connect(database)) as connection, connection:
        for table in TABLES:
            if _has(connection, table):
                _fit(connection, table, renamed)


def _fit(connection: sqlite3.Connection, table: str, renamed: Mapping[str, str]) -> None:
    connection.execute(
        f"UPDATE {table} SET put_aside = strftime('%Y-%m-%d %H:%M:%f000', 'now') "  # noqa: S608
        "WHERE put_aside IS NOT NULL"
    )
    # In two steps, for a new name may be another's old one; no volume's name has a slash.
    connection.executemany(
        f"UPDATE {table} SET volume = '/' || ? WHERE volume = ?",  # noqa: S608
        [(new, old) for old, new in renamed.items()],
    )
    connection.execute(
        f"UPDATE {table} SET volume = substr(volume, 2) WHERE volume LIKE '/%'"  # noqa: S608
    )


def check(database: Path) -> None:
    """Raises BackupError unless SQLite calls the database sound."""
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            (said,) = connection.execute("PRAGMA integrity_check").fetchone()
    except sqlite3.Error as error:
        said = str(error)
    if said != "ok":
        raise BackupError(f"the database in the backup is damaged: {said}")


def _has(connection: sqlite3.Connection, table: str) -> bool:
    query = "SELECT 1 FROM sqlite_master WHERE name = ?"
    return connection.execute(query, (table,)).fetchone() is not None
