"""Which tokens servers speak to the hub with, so that they outlive their person's sessions.

JupyterHub knows the token of a server it started itself, but not after a restart of the hub: the
spawner notes its number (not the token) in its state.
"""

from jupyterhub import orm
from sqlalchemy.orm import Session

KEY = "token_id"
"""In a spawner's state."""


def number(db: Session, token: str) -> int | None:
    """The number of `token` in the database, None when it is not there."""
    found = orm.APIToken.find(db, token) if token else None
    return None if found is None else int(found.id)


def of(user: orm.User) -> set[int]:
    """The numbers of the tokens of all servers of `user`."""
    noted = ((spawner.state or {}).get(KEY) for spawner in user.orm_spawners.values())
    return {token for token in noted if token is not None}
