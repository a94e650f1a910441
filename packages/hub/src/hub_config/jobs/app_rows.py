"""Published applications in the hub's database. Times are UTC without zone, as in `rows`."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, get_args

from jupyterhub import orm
from sqlalchemy import (
    Boolean,
    Connection,
    DateTime,
    Integer,
    String,
    Text,
    UniqueConstraint,
    delete,
    event,
    select,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from hub_config import names
from hub_config.database import Base
from hub_config.jobs.rows import LAST_WORDS, now
from hub_config.settings.values import Audience

AUDIENCES = get_args(Audience)
"""An application's own is one of them, of a group `group:<name>`."""

LONG_ENOUGH = timedelta(minutes=10)

LONGEST_PAUSE = 60
"""Minutes after which an application that ended is started again at the latest."""


class AppRow(Base):
    """One application of the person `user_id`. `up` is whether its server was started and is not
    known to have ended; `failures` is how often it ended in a row, `retry` until when it is let be
    for that, `words` why.
    """

    __tablename__ = "platform_apps"
    __table_args__ = (UniqueConstraint("user_id", "name"),)
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    user_id: Mapped[int] = mapped_column(Integer, index=True)
    name: Mapped[str] = mapped_column(String(30))
    file: Mapped[str] = mapped_column(String(500))
    profile: Mapped[str] = mapped_column(String(255))
    audience: Mapped[str] = mapped_column(String(300))
    until: Mapped[datetime] = mapped_column(DateTime)
    paused: Mapped[bool] = mapped_column(Boolean, default=False)
    up: Mapped[bool] = mapped_column(Boolean, default=False)
    failures: Mapped[int] = mapped_column(Integer, default=0)
    retry: Mapped[datetime | None] = mapped_column(DateTime)
    words: Mapped[str] = mapped_column(Text, default="")

    @property
    def server(self) -> str:
        """What its server is called."""
        return names.PUBLISHED + self.name


@event.listens_for(orm.User, "after_delete")
def _with_their_owner(_mapper: Any, connection: Connection, user: orm.User) -> None:
    """As with runs (`rows`)."""
    connection.execute(delete(AppRow).where(AppRow.user_id == user.id))


def permitted(audience: str, widest: str) -> bool:
    """Whether the operator lets so many open an application."""
    return AUDIENCES.index(audience.partition(":")[0]) <= AUDIENCES.index(widest)


def may_open(app: AppRow, user_id: int | None, groups: Collection[str]) -> bool:
    """Whether somebody may; `user_id` is None for who has not logged in."""
    kind, _, group = app.audience.partition(":")
    if kind == "public" or user_id == app.user_id:
        return True
    member = kind == "group" and group in groups
    return user_id is not None and (member or kind == "people")


def runs(app: AppRow) -> bool:
    """It was seen to run, also where a hub was killed before it noted that. What went wrong is over
    when it has run for long enough. Whether that is news.
    """
    news = not app.up
    app.up = True
    if app.failures and app.retry is not None and now() - app.retry > LONG_ENOUGH:
        app.failures, app.words, news = 0, "", True
    return news


def has_failed(app: AppRow, words: str) -> None:
    """It ended, or did not start: try again, later each time."""
    app.up, app.words = False, words[-LAST_WORDS:]
    app.failures += 1
    app.retry = now() + timedelta(minutes=min(LONGEST_PAUSE, 2 ** min(app.failures, 10) - 1))


def all_apps(db: Session) -> list[AppRow]:
    """Everybody's."""
    return list(db.scalars(select(AppRow).order_by(AppRow.user_id, AppRow.name)))


def of_person(db: Session, user_id: int) -> list[AppRow]:
    """One person's."""
    return list(db.scalars(select(AppRow).filter_by(user_id=user_id).order_by(AppRow.name)))


def find(db: Session, user_id: int, name: str) -> AppRow | None:
    """The application of that name."""
    return db.scalars(select(AppRow).filter_by(user_id=user_id, name=name)).first()


def of_server(db: Session, user_id: int, server: str) -> AppRow | None:
    """The application that the server `server` of that person is of."""
    if not server.startswith(names.PUBLISHED):
        return None
    return find(db, user_id, server.removeprefix(names.PUBLISHED))


def has_ended(db: Session, user_id: int, server: str, words: str) -> None:
    """Its container was seen to have ended by itself."""
    if app := of_server(db, user_id, server):
        has_failed(app, words)
        db.commit()


def forget(db: Session, user_id: int) -> None:
    """The person was deleted."""
    for app in of_person(db, user_id):
        db.delete(app)
    db.commit()
