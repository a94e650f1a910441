"""Published applications in the hub's database. Times are UTC without zone, as in `rows`."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import get_args

from sqlalchemy import String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, Session, mapped_column

from hub_config import names
from hub_config.jobs.rows import LAST_WORDS, Owned, now
from hub_config.settings.values import Audience

AUDIENCES = get_args(Audience)
"""An application's own is one of them, of a group `group:<name>`."""

LONG_ENOUGH = timedelta(minutes=10)

LONGEST_PAUSE = 60
"""Minutes after which an application that ended is started again at the latest."""


class AppRow(Owned):
    """One application. `up` is whether its server was started and is not known to have ended,
    `failures` how often it ended in a row, `retry` until when it is let be for that, `words` why.
    """

    __tablename__ = "platform_apps"
    __table_args__ = (UniqueConstraint("user_id", "name"),)
    PREFIX = names.PUBLISHED
    audience: Mapped[str] = mapped_column(String(300))
    until: Mapped[datetime]
    up: Mapped[bool] = mapped_column(default=False)
    failures: Mapped[int] = mapped_column(default=0)
    retry: Mapped[datetime | None]
    words: Mapped[str] = mapped_column(Text, default="")


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


def has_ended(db: Session, user_id: int, server: str, words: str) -> None:
    """Its container was seen to have ended by itself."""
    if app := AppRow.of_server(db, user_id, server):
        has_failed(app, words)
        db.commit()
