"""The times of running servers: JupyterHub's records, and what their people asked for."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, String
from sqlalchemy.orm import Mapped, Session, mapped_column

from hub_config.lifetimes import ends
from hub_config.store import Base


class MoreTimeRow(Base):
    """One server's wish. It holds for the run that began at `started`, not for a later one.

    Times are UTC without zone, as JupyterHub's own tables have them.
    """

    __tablename__ = "platform_more_time"
    user: Mapped[str] = mapped_column(String(255), primary_key=True)
    server: Mapped[str] = mapped_column(String(255), primary_key=True)
    started: Mapped[datetime] = mapped_column(DateTime)
    until: Mapped[datetime] = mapped_column(DateTime)


def asked_until(db: Session, user: str, server: str, started: datetime) -> datetime | None:
    """Until when the person wants this run of the server left alone; None: not asked."""
    row = db.get(MoreTimeRow, (user, server))
    if row is None or row.started != naive(started):
        return None
    return aware(row.until)


def remember(db: Session, user: str, server: str, started: datetime, until: datetime) -> None:
    """Keep the wish."""
    db.merge(MoreTimeRow(user=user, server=server, started=naive(started), until=naive(until)))
    db.commit()


def forget(db: Session, user: str) -> None:
    """The person was deleted."""
    db.query(MoreTimeRow).filter_by(user=user).delete()
    db.commit()


def aware(time: datetime) -> datetime:
    """A time of JupyterHub's tables, with its zone."""
    return time.replace(tzinfo=UTC)


def naive(time: datetime) -> datetime:
    """The other way round."""
    return time.astimezone(UTC).replace(tzinfo=None)


def running(db: Any, users: Iterable[Any]) -> Iterator[ends.Server]:
    """The servers of `users` (JupyterHub's User objects) that run; `db` is the hub's session."""
    for user in users:
        for name, spawner in user.spawners.items():
            record = spawner.orm_spawner
            if spawner.ready and record.started:
                started = aware(record.started)
                last = aware(record.last_activity or record.started)
                asked = asked_until(db, user.name, name, started)
                yield ends.Server(user.name, name, started, max(last, started), asked)


def answer(server: ends.Server, limits: ends.Limits) -> dict[str, Any]:
    """What a page or a script is told about one server; seconds are from now."""
    now = datetime.now(UTC)
    end = ends.end(server, limits)
    more = ends.more_time(server, limits)
    left = (end.when - now).total_seconds() if end else None
    return {
        "verdict": ends.judge(now, server, limits),
        "ends": end.when.isoformat() if end else None,
        "seconds_left": None if left is None else max(0.0, left),
        "more_time": more is not None and not (end and end.because_of_age),
        "activity_helps": not (end and end.because_of_age),
    }


class ServerTimes:
    """For templates, as `server_times`: JupyterHub calls it with whoever looks at the page."""

    def __init__(self, limits: ends.Limits) -> None:
        self.limits = limits

    def __call__(self, user: Any) -> list[dict[str, Any]]:
        """One dictionary per server: `name`, `title` (what its person called it) and what `answer`
        says. Empty for nobody.
        """
        if user is None or not hasattr(user, "spawners"):
            return []
        return [
            {
                "name": server.name,
                "title": user.spawners[server.name].display_name or server.name,
                **answer(server, self.limits),
            }
            for server in running(user.db, [user])
        ]
