"""Whose home is which volume, and which homes are put aside because their person was deleted.

A home is made once and keeps its volume's name; a newcomer with the name of somebody who was
deleted gets the next generation, and so an empty home. Records only: `home_volumes` acts on them.
"""

from datetime import UTC, datetime, timedelta

from sqlalchemy import DateTime, Integer, String, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from hub_config.spawning.container import names
from hub_config.store import Base


class HomeRow(Base):
    """One home volume. `person` is who has it, or had it last; times are UTC without zone.

    `named_after` and `generation` are what the volume was called by when it was made.
    """

    __tablename__ = "platform_homes"
    volume: Mapped[str] = mapped_column(String(255), primary_key=True)
    named_after: Mapped[str] = mapped_column(String(255), index=True)
    generation: Mapped[int] = mapped_column(Integer)
    person: Mapped[str] = mapped_column(String(255), index=True)
    put_aside: Mapped[datetime | None] = mapped_column(DateTime)


class HomeError(ValueError):
    """What was asked of a home is impossible; the message says why."""


def in_use(db: Session, person: str) -> HomeRow | None:
    """The person's home, None while they have none."""
    return db.scalars(select(HomeRow).filter_by(person=person, put_aside=None)).first()


def claim(db: Session, person: str, prefix: str) -> HomeRow:
    """The person's home; the record of a new one is made where there is none."""
    home = in_use(db, person)
    if home is None:
        newest = select(func.max(HomeRow.generation)).filter_by(named_after=person)
        generation = (db.scalar(newest) or 0) + 1
        home = HomeRow(
            volume=names.home_volume(prefix, person, generation),
            named_after=person,
            generation=generation,
            person=person,
        )
        db.add(home)
        db.commit()
    return home


def put_aside(db: Session, person: str, now: datetime | None = None) -> None:
    """The person was deleted, or gets another home. Does nothing for one who never had any."""
    home = in_use(db, person)
    if home is not None:
        home.put_aside = _naive(now or datetime.now(UTC))
        db.commit()


def all_put_aside(db: Session) -> list[HomeRow]:
    """The homes that are put aside, the oldest first."""
    aside = select(HomeRow).where(HomeRow.put_aside.is_not(None))
    return list(db.scalars(aside.order_by(HomeRow.put_aside)))


def find_put_aside(db: Session, volume: str) -> HomeRow:
    """That home; raises HomeError when none of this name is put aside."""
    home = db.get(HomeRow, volume)
    if home is None or home.put_aside is None:
        raise HomeError(f"No home called {volume} is put aside.")
    return home


def hand_back(db: Session, volume: str, person: str) -> None:
    """Make it the home of `person`; the home they have now is put aside in its place.

    The caller sees to it that no server of theirs runs. Raises HomeError as `find_put_aside`.
    """
    home = find_put_aside(db, volume)
    put_aside(db, person)
    home.person, home.put_aside = person, None
    db.commit()


def forget(db: Session, home: HomeRow) -> None:
    """The volume is gone."""
    db.delete(home)
    db.commit()


def ends(home: HomeRow, keep: timedelta) -> datetime | None:
    """When a home that is put aside is removed; UTC without zone."""
    return home.put_aside + keep if home.put_aside else None


def due(db: Session, keep: timedelta, now: datetime | None = None) -> list[HomeRow]:
    """The homes that were put aside for long enough."""
    limit = _naive(now or datetime.now(UTC)) - keep
    return [home for home in all_put_aside(db) if home.put_aside and home.put_aside <= limit]


def _naive(time: datetime) -> datetime:
    return time.astimezone(UTC).replace(tzinfo=None)
