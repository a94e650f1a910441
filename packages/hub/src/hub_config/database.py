"""The platform's own tables in the hub's database, and whether this hub knows what is in it.

A module that keeps records declares its tables as subclasses of `Base` and is given the hub's
session. JupyterHub's migrations (`jupyterhub upgrade-db`) leave tables they do not know alone; how
older ones of ours become today's are steps of plain SQL, since the classes of tables go on changing
and a step may not. The revision of a database is how many of them were done. A change of a table is
one more step at the end; each takes what is missing for nothing to do.

Records are in a SQLite file in the data volume, or in PostgreSQL, known by its URL.

A database that a newer hub has brought up to date cannot be taken back: JupyterHub's start would
end in the middle, and again at every restart, each time with another copy of it beside it.
"""

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

from alembic.script import ScriptDirectory
from jupyterhub.dbutil import ALEMBIC_DIR, backup_db_file
from sqlalchemy import Connection, Engine, String, delete, event, inspect, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from hub_config import DatabaseError, postgres
from hub_config.first_start import DATABASE_FILE, Records

SCHEMA_TABLE = "platform_schema"


def _begin(_: Connection) -> None:
    """Revision 1, with which releases begin."""


STEPS: tuple[Callable[[Connection], None], ...] = (_begin,)


def steps_done(connection: Connection) -> int:
    """How many steps this database has been through; 0 for one from before they were counted."""
    if not inspect(connection).has_table(SCHEMA_TABLE):
        return 0
    return int(connection.execute(text(f"SELECT revision FROM {SCHEMA_TABLE}")).scalar() or 0)  # noqa: S608


_COPY = re.compile(re.escape(DATABASE_FILE) + r"\.+\d{4}-\d\d-\d\d-\d{6}(\.\d)?")
"""What JupyterHub calls its copies (dbutil.py, backup_db_file); an operator's own are let be."""


def is_there(database: Records) -> bool:
    """Whether a hub has kept anything in it. Raises DatabaseError where nobody answers."""
    if isinstance(database, Path):
        return database.exists()
    return bool(_first(database, "SELECT to_regclass('users')"))


def require_known_schema(database: Records) -> None:
    """Raises DatabaseError for a database that a newer hub has brought up to date."""
    found, own = _revisions(database)
    if is_known(database):
        return
    which = (
        f"schema revision {found}, which JupyterHub {version('jupyterhub')} in this image does"
        if found and found not in revisions()
        else f"revision {own} of the platform's tables, which this image does"
    )
    raise DatabaseError(
        f"The database {database} has the {which} not know: a newer hub has brought it up to "
        "date. Nothing was changed. Start the newer hub again (its images have another tag: "
        f"JHUB_IMAGE_TAG){_way_back(database)}."
    )


def require_sound(data: Path) -> None:
    """Raises DatabaseError for a damaged SQLite file: JupyterHub would end with a traceback."""
    database = data / DATABASE_FILE
    if not database.exists():
        return
    try:
        # Not read-only: what a hub that was killed left half done is first taken back by SQLite.
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=rw", uri=True)) as connection:
            ((found,),) = connection.execute("PRAGMA quick_check(1)")
    except sqlite3.OperationalError:
        return  # only locked, or there is no room
    except sqlite3.DatabaseError as error:
        found = str(error)
    if found != "ok":
        raise DatabaseError(
            f"The database {database} is damaged ({' '.join(found.split())}), so the hub does not "
            "start; nothing was changed, and servers that run go on. Bring it back from a backup: "
            "./dev invoke restore --hub"
        )


def _way_back(database: Records) -> str:
    """The sentence's end about a copy that an upgrade has left and that this hub knows."""
    if isinstance(database, str):
        return ""
    usable = (copy for copy in _copies(database.parent) if revision(copy) and is_known(copy))
    if (copy := next(usable, None)) is None:
        return ""
    return (
        f"; or go back to {copy.name}, the state before that upgrade, without what came since: "
        f"stop the hub, then docker compose run --rm --no-deps hub cp {copy} {database}"
    )


def _copies(data: Path) -> list[Path]:
    """JupyterHub's copies (dbutil.py, backup_db_file), the newest first."""
    found = data.glob(f"{DATABASE_FILE}.*")
    return sorted((one for one in found if _COPY.fullmatch(one.name)), reverse=True)


def drop_repeated_copies(data: Path, database: Records) -> None:
    """Of the copies that were made before an upgrade which then failed, keep the newest alone: a
    hub that starts again and again makes one each time. They are as old as the database is still.
    """
    of_now = [copy for copy in _copies(data) if _revisions(copy) == _revisions(database)]
    for copy in of_now[1:]:
        copy.unlink()


def old_copies(data: Path) -> list[Path]:
    """The copies from before upgrades but for the newest, which is the way back."""
    return _copies(data)[1:]


def _revisions(database: Records) -> tuple[str, int]:
    return revision(database), own_revision(database)


def is_known(database: Records) -> bool:
    """Whether this hub knows what is in `database`, or it says nothing of it."""
    found, own = _revisions(database)
    return (not found or found in revisions()) and own <= len(STEPS)


def revision(database: Records) -> str:
    """JupyterHub's revision; empty where there is no database, or none that says so."""
    return _first(database, "SELECT version_num FROM alembic_version")


def own_revision(database: Records) -> int:
    """The revision of the platform's own tables; 0 where there are none, or older ones."""
    return int(_first(database, f"SELECT revision FROM {SCHEMA_TABLE}") or 0)  # noqa: S608


def _first(database: Records, query: str) -> str:
    """The first value that `query` finds; empty when there is none, or no such table."""
    if isinstance(database, str):
        return postgres.first(database, query)
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


def is_up_to_date(database: Records) -> bool:
    """Whether its tables are those of this very hub."""
    head = ScriptDirectory(ALEMBIC_DIR).get_current_head()
    return revision(database) == head and own_revision(database) == len(STEPS)


def steps_ahead(database: Records) -> str:
    """What a start of this hub will bring up to date in the database; empty for nothing."""
    found, own = _revisions(database)
    ahead = []
    if found not in revisions():
        return ""
    history = ScriptDirectory(ALEMBIC_DIR)
    head = history.get_current_head() or ""
    if steps := len(list(history.iterate_revisions(head, found))):
        ahead.append(f"JupyterHub's schema from revision {found} to {head} ({steps} steps)")
    if own < len(STEPS):
        ahead.append(f"the platform's tables from revision {own} to {len(STEPS)}")
    if not ahead:
        return ""
    return f"The database will be brought up to date: {', '.join(ahead)}. A copy of it is kept."


def revisions() -> frozenset[str]:
    """All that the JupyterHub here knows: alembic begins the names of its files with them."""
    folder = files("jupyterhub") / "alembic" / "versions"
    names = (entry.name for entry in folder.iterdir())
    return frozenset(name.partition("_")[0] for name in names if name.endswith(".py"))


@event.listens_for(Engine, "connect")
def _keep_the_journal(connection: Any, _record: Any) -> None:
    """Have SQLite write over its journal where it would remove it: `reserve` made it long enough
    (PRAGMA journal_mode, which holds for one connection).
    """
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA journal_mode = PERSIST")


class Base(DeclarativeBase):
    """Parent of all tables of this package; their names begin with `platform_`."""


class SchemaRow(Base):
    """The one row that says how many of the migrations this database has been through."""

    __tablename__ = SCHEMA_TABLE
    revision: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class MovedRow(Base):
    """Where the records went, and when: there is a row in a database that is no longer in use."""

    __tablename__ = "platform_moved"
    to: Mapped[str] = mapped_column(String(16), primary_key=True)
    at: Mapped[str] = mapped_column(String(32))


def is_moved(database: Records) -> bool:
    """Whether the records of this database went elsewhere."""
    return bool(_first(database, "SELECT at FROM platform_moved"))


def prepare(session: Session) -> None:
    """Bring the platform's tables up to date and make those that are missing, in one transaction.

    A database with records that a migration changes is copied beside itself first, as JupyterHub
    does before its own. Raises DatabaseError for one that a newer hub has brought up to date.
    """
    session.commit()
    connection = session.connection()
    url = connection.engine.url
    file = url.database if connection.dialect.name == "sqlite" else ""
    if steps_done(connection) > len(STEPS):
        require_known_schema(Path(file) if file else url.render_as_string(hide_password=False))
    if not file:
        postgres.keep_usable(session)
    if steps_done(connection) < len(STEPS):
        tables = inspect(connection).get_table_names()
        if file and any(name.startswith("platform_") for name in tables):
            backup_db_file(file)
            drop_repeated_copies(Path(file).parent, Path(file))
        session.commit()
        try:
            _migrate(session)
        except BaseException:
            session.rollback()
            raise
    Base.metadata.create_all(session.connection())
    session.commit()


def _migrate(session: Session) -> None:
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # pysqlite begins none for DDL
    for step in STEPS[steps_done(connection) :]:
        step(connection)
    Base.metadata.create_all(connection)
    session.execute(delete(SchemaRow))
    session.add(SchemaRow(revision=len(STEPS)))
    session.commit()
