"""Which space of MLflow is whose, and what servers are told of theirs.

As a home is, a space is of a person's or group's id in this database: its name never changes, and
nobody who comes later has it, whatever they are called. It is kept as long as the home of somebody
who was deleted is.
"""

import json
import os
import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from jupyterhub import orm
from jupyterhub.apihandlers.base import APIHandler
from sqlalchemy import Connection, Integer, String, delete, event, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column
from tornado import web

from hub_config.database import Base
from hub_config.handlers import Handler
from hub_config.moments import now
from hub_config.runtime.plan import TRACKING_PORT
from hub_config.tracking import door

MLFLOW = "mlflow"
"""The Compose profile, and JupyterHub's service."""

ACCESS = f"access:services!service={MLFLOW}"
"""What people and their servers may, where there is one."""

SPACES_SCOPE = "custom:spaces"
"""What the service may: hear which spaces somebody has."""

OWN = "me"


def is_on(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether Compose starts MLflow."""
    return bool({MLFLOW, "*"} & {*environment.get("COMPOSE_PROFILES", "").split(",")})


def variables(base_url: str) -> dict[str, Any]:
    """What every server is told: MLflow's own names. The token is the server's."""
    uri = f"http://hub:{TRACKING_PORT}{base_url}services/{MLFLOW}/{OWN}"
    return {
        "MLFLOW_TRACKING_URI": uri,
        "MLFLOW_TRACKING_TOKEN": lambda one: one.api_token,
        # It would be an address that no browser finds.
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    }


class SpaceRow(Base):
    """A space: of the person or the group of that id."""

    __tablename__ = "platform_spaces"
    kind: Mapped[str] = mapped_column(String(8), primary_key=True)
    owner_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(80), unique=True)


class LeftRow(Base):
    """A space whose owner was deleted, and when: UTC without zone."""

    __tablename__ = "platform_spaces_left"
    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    since: Mapped[datetime]


KINDS: dict[type[Any], str] = {orm.User: "person", orm.Group: "group"}


def _forget(_mapper: Any, connection: Connection, owner: Any) -> None:
    """In the transaction in which its owner goes: SQLite gives the id to the next one."""
    mine = {"kind": KINDS[type(owner)], "owner_id": owner.id}
    if left := connection.scalar(select(SpaceRow.name).filter_by(**mine)):
        connection.execute(insert(LeftRow).values(name=left, since=now()))
        connection.execute(delete(SpaceRow).filter_by(**mine))


for kind in KINDS:
    event.listen(kind, "after_delete", _forget)


def of(db: Session, owner: Any) -> str:
    """The space of a person or group; a new one where there is none. Its name begins like its
    owner's, for the operator who sees the folder.
    """
    mine = {"kind": KINDS[type(owner)], "owner_id": owner.id}
    if (found := db.scalars(select(SpaceRow).filter_by(**mine)).first()) is None:
        like = "".join(one for one in owner.name.lower() if one.isascii() and one.isalnum())
        found = SpaceRow(**mine, name=f"{like[:40] or 'x'}-{secrets.token_hex(6)}")
        db.add(found)
        db.commit()
    return found.name


async def remove_due(db: Session, keep: timedelta) -> None:
    """Have those removed whose owner was deleted that long ago; what takes longer, next time."""
    limit = now() - keep
    for left in db.scalars(select(LeftRow).where(LeftRow.since <= limit)).all():
        try:
            said = await door.say(f"-{left.name}")
        except door.AwayError:
            return
        if said == "ok":
            db.delete(left)
            db.commit()


def all_of(db: Session, user: orm.User) -> dict[str, str]:
    """The spaces of a person by their paths: the own one, and those of groups."""
    groups: Iterable[orm.Group] = sorted(user.groups, key=lambda one: one.name)
    return {OWN: of(db, user)} | {f"group/{one.name}": of(db, one) for one in groups}


class SpacesHandler(Handler, APIHandler):
    """Which spaces somebody has."""

    def get(self) -> None:
        """For the service alone. 404 without its scope, and for nobody."""
        user = orm.User.find(self.db, self.get_argument("of", ""))
        self.require(SPACES_SCOPE)
        if user is None:
            raise web.HTTPError(404)
        self.finish(json.dumps(all_of(self.db, user)))
