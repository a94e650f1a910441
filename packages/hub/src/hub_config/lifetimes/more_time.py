"""What people asked for: until when an idle server of theirs shall be left alone."""

from datetime import UTC, datetime

from sqlalchemy import DateTime, String
from sqlalchemy.orm import Mapped, Session, mapped_column

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
