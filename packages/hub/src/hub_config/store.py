"""Tables of the platform's own, in the hub's database beside those of JupyterHub and its plugins.

A module that keeps records declares its tables as subclasses of `Base` and is given the hub's
session. JupyterHub's migrations (`jupyterhub upgrade-db`) leave tables they do not know alone.
"""

from sqlalchemy.orm import DeclarativeBase, Session


class Base(DeclarativeBase):
    """Parent of all tables of this package; their names begin with `platform_`."""


def prepare(session: Session) -> None:
    """Make the tables that are missing; those that exist stay as they are."""
    Base.metadata.create_all(session.get_bind())
