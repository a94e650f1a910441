"""Tables of the platform's own, in the hub's database beside those of JupyterHub and its plugins.

A module that keeps records declares its tables as subclasses of `Base` and is given the hub's
session. JupyterHub's migrations (`jupyterhub upgrade-db`) leave tables they do not know alone;
ours are in `migrations`.
"""

from jupyterhub.dbutil import backup_db_file
from sqlalchemy import Connection, delete, inspect
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from hub_config import migrations


class Base(DeclarativeBase):
    """Parent of all tables of this package; their names begin with `platform_`."""


class SchemaRow(Base):
    """The one row that says how many of the migrations this database has been through."""

    __tablename__ = migrations.TABLE
    revision: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


def prepare(session: Session) -> None:
    """Bring the platform's tables up to date and make those that are missing, in one transaction.

    A database with records that a migration changes is copied beside itself first, as JupyterHub
    does before its own.
    """
    session.commit()
    connection = session.connection()
    if migrations.revision(connection) < len(migrations.STEPS):
        if (file := connection.engine.url.database) and _has_records(connection):
            backup_db_file(file)
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
    for step in migrations.STEPS[migrations.revision(connection) :]:
        step(connection)
    Base.metadata.create_all(connection)
    session.execute(delete(SchemaRow))
    session.add(SchemaRow(revision=len(migrations.STEPS)))
    session.commit()


def _has_records(connection: Connection) -> bool:
    return any(name.startswith("platform_") for name in inspect(connection).get_table_names())
