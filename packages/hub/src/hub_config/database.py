"""Whether this hub knows the schema of the database in the data volume. Reads, changes nothing.

An older schema is brought up to date when the hub starts. One that a newer hub has brought up to
date cannot be taken back: JupyterHub's start would end in the middle, and again at every restart,
each time with another copy of the database beside it.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from hub_config import migrations
from hub_config.errors import DatabaseError

NAME = "jupyterhub.sqlite"


def require_known_schema(data: Path) -> None:
    """Raises DatabaseError for a database whose revision the JupyterHub here does not have."""
    database = data / NAME
    found, own = revision(database), own_revision(database)
    if known(database):
        return
    which = (
        f"schema revision {found}, which JupyterHub {version('jupyterhub')} in this image does"
        if found and found not in revisions()
        else f"revision {own} of the platform's tables, which this image does"
    )
    raise DatabaseError(
        f"The database {database} has the {which} not know: a newer hub has brought it up to "
        "date. Nothing was changed. Start the newer hub again (its images have another tag: "
        f"JHUB_IMAGE_TAG){_way_back(data)}."
    )


def _way_back(data: Path) -> str:
    """The sentence's end about a copy that an upgrade has left and that this hub knows."""
    usable = (copy for copy in _copies(data) if revision(copy) and known(copy))
    if (copy := next(usable, None)) is None:
        return ""
    return (
        f"; or go back to {copy.name}, the state before that upgrade, without what came since: "
        f"stop the hub, then docker compose run --rm --no-deps hub cp {copy} {data / NAME}"
    )


def _copies(data: Path) -> Iterator[Path]:
    """JupyterHub's copies (dbutil.py, backup_db_file), the newest first."""
    yield from sorted(data.glob(f"{NAME}.*"), reverse=True)


def known(database: Path) -> bool:
    """Whether this hub knows what is in `database`, or it says nothing of it."""
    found = revision(database)
    return (not found or found in revisions()) and own_revision(database) <= len(migrations.STEPS)


def revision(database: Path) -> str:
    """JupyterHub's revision; empty where there is no database, or none that says so."""
    return _first(database, "SELECT version_num FROM alembic_version")


def own_revision(database: Path) -> int:
    """The revision of the platform's own tables; 0 where there are none, or older ones."""
    return int(_first(database, f"SELECT revision FROM {migrations.TABLE}") or 0)  # noqa: S608


def _first(database: Path, query: str) -> str:
    """The first value that `query` finds; empty when there is none, or no such table."""
    if not database.exists():
        return ""
    # Immutable: a journal of a hub that was killed could not be played back where it is read-only.
    for how in ("mode=ro", "mode=ro&immutable=1"):
        try:
            with closing(sqlite3.connect(f"{database.as_uri()}?{how}", uri=True)) as connection:
                row = connection.execute(query).fetchone()
                return str(row[0]) if row else ""
        except sqlite3.Error:
            continue
    return ""


def revisions() -> frozenset[str]:
    """All that the JupyterHub here knows: alembic begins the names of its files with them."""
    folder = files("jupyterhub") / "alembic" / "versions"
    names = (entry.name for entry in folder.iterdir())
    return frozenset(name.partition("_")[0] for name in names if name.endswith(".py"))
