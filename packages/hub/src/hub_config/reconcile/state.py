"""What hub and database say of servers and homes at this moment; `reconciler` compares with it."""

from dataclasses import dataclass
from typing import Any

from jupyterhub import orm
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from hub_config.lifetimes.homes import VolumeRow
from hub_config.reconcile.differences import KnownHome
from hub_config.runtime.interface import Key

Runs = dict[Key, orm.Server]
"""The servers that run, with JupyterHub's record of where: each start makes one of its own."""


@dataclass(frozen=True)
class Hub:
    """What of JupyterHub is needed: its users (`UserDict`), its proxy, its database session."""

    users: Any
    proxy: Any
    db: Session

    @classmethod
    def of(cls, handler: Any) -> "Hub":
        """The hub that a request has come to."""
        return cls(handler.users, handler.proxy, handler.db)


def remember(db: Session) -> None:
    """Have JupyterHub's records hold what they are about to be asked for.

    Each commit makes them forget. Two questions for all of them spare two for each, for which
    everybody would wait.
    """
    db.scalars(select(orm.User)).all()
    db.scalars(select(orm.Spawner).options(joinedload(orm.Spawner.server))).all()


def servers(hub: Hub) -> tuple[frozenset[Key], Runs]:
    """The servers that are starting, running or stopping at this moment, and those that run."""
    remember(hub.db)
    active, runs = set(), {}
    for user in hub.users.values():
        for name, spawner in user.spawners.items():
            if spawner.active:
                active.add((user.name, name))
            if spawner.ready:
                runs[user.name, name] = spawner.orm_spawner.server
    return frozenset(active), runs


def running(user: Any, server: str, run: orm.Server) -> Any:
    """The spawner of that server of `user` while this run of it goes on, else None."""
    spawner = user and user.spawners.get(server)
    return spawner if spawner and spawner.ready and spawner.orm_spawner.server is run else None


def is_active(hub: Hub, key: Key) -> bool:
    """Whether that server is starting, running or stopping at this moment."""
    name, server = key
    user = hub.users.get(name)
    spawner = user and user.spawners.get(server)
    return bool(spawner and spawner.active)


def known_volumes(db: Session, kind: type[VolumeRow]) -> dict[str, KnownHome]:
    """The homes, or the groups' folders, of the database, by volume."""
    there = set(db.scalars(select(kind.OWNER.id)))
    return {
        one.volume: KnownHome(
            token=one.token,
            owner=one.person if one.put_aside is None else "",
            made=one.made,
            nobodys=one.put_aside is None and one.owner_id not in there,
        )
        for one in kind.all(db)
    }
