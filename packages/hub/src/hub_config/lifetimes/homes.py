"""Whose home is which volume, and which homes are put aside because their person was deleted.

A home belongs to a person's id in this very database. It is known again by a random word that is
in the database and on the volume: a volume that has another one, or none where one is expected, is
somebody else's, whatever it is called. Records only: `reconcile.pages` and `spawning.parts` act
on them.
"""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Self

from jupyterhub import orm
from sqlalchemy import String, func, inspect, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from hub_config import names
from hub_config.database import Base
from hub_config.runtime.interface import Volume

OLDER = "platform_homes"
"""The table of hubs that knew homes by people's names. It is read once and left as it is."""


class DatabaseRow(Base):
    """What this database is called: one row, made at first use."""

    __tablename__ = "platform_database"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)


class VolumeRow(Base):
    """What homes and groups' folders have in common. `token` is the word on the volume; empty for
    one that is older. `made` is whether the volume was there once. Times are UTC without zone.
    """

    __abstract__ = True
    volume: Mapped[str] = mapped_column(String(255), primary_key=True)
    generation: Mapped[int]
    token: Mapped[str] = mapped_column(String(32))
    made: Mapped[bool]
    put_aside: Mapped[datetime | None]

    @classmethod
    def all(cls, db: Session) -> list[Self]:
        """All records."""
        return list(db.scalars(select(cls).order_by(cls.volume)))

    @classmethod
    def aside(cls, db: Session) -> list[Self]:
        """Those that are put aside, the oldest first."""
        wanted = select(cls).where(cls.put_aside.is_not(None))
        return list(db.scalars(wanted.order_by(cls.put_aside)))

    @classmethod
    def due(cls, db: Session, keep: timedelta, now: datetime | None = None) -> list[Self]:
        """Those that were put aside for long enough."""
        limit = naive(now or datetime.now(UTC)) - keep
        return [one for one in cls.aside(db) if one.put_aside and one.put_aside <= limit]


class HomeRow(VolumeRow):
    """One home. `user_id` is whose it is, None when put aside, and `user_since` when that person
    was made: SQLite gives the id of somebody who was deleted to a newcomer. `person` is what they
    were called last. `missing` is when the volume was first found to be gone.

    `named_after` and `generation` are what the volume was called by when it was made.
    """

    __tablename__ = "platform_home_volumes"
    user_id: Mapped[int | None] = mapped_column(index=True)
    user_since: Mapped[datetime | None]
    person: Mapped[str] = mapped_column(String(255))
    named_after: Mapped[str] = mapped_column(String(255), index=True)
    missing: Mapped[datetime | None]


class HomeError(ValueError):
    """What was asked of a home is impossible; the message says why."""


def database_id(db: Session, prefix: str) -> str:
    """What this database is called. At first use it takes over what an older hub knew.

    A database that an older hub made has its table, and the people in it have homes by their names.
    A new one, also one that came in place of a lost one, takes over nothing.
    """
    row = db.scalars(select(DatabaseRow)).first()
    if row is None:
        row = DatabaseRow(id=secrets.token_hex(8))
        db.add(row)
        if is_older(db):
            _take_over(db, prefix)
        db.commit()
    return row.id


def is_older(db: Session) -> bool:
    """Whether the database was made by a hub that knew homes, and containers, by names alone."""
    return inspect(db.connection()).has_table(OLDER)


def _take_over(db: Session, prefix: str) -> None:
    ids = {name: number for number, name in db.execute(select(orm.User.id, orm.User.name))}
    older = db.execute(
        text(f"SELECT volume, named_after, generation, person, put_aside FROM {OLDER}")  # noqa: S608
    )
    now = naive(datetime.now(UTC))
    with_home = set()
    for volume, named_after, generation, person, aside in older:
        since = datetime.fromisoformat(aside) if isinstance(aside, str) else aside
        owner = None if since else ids.get(person)
        with_home.add(person if owner is not None else "")
        db.add(
            HomeRow(
                volume=volume,
                user_id=owner,
                user_since=_since(db, owner),
                person=person,
                named_after=named_after,
                generation=generation,
                token="",
                made=True,
                put_aside=None if owner is not None else since or now,
            )
        )
    db.flush()
    for person in ids.keys() - with_home:
        generation = _next_generation(db, person)
        row = _new(db, ids[person], person, prefix, generation)
        # Whatever has this name is theirs, if there is anything.
        row.token = ""


def in_use(db: Session, user_id: int) -> HomeRow | None:
    """The person's home, None while they have none."""
    return db.scalars(select(HomeRow).filter_by(user_id=user_id, put_aside=None)).first()


def claim(db: Session, user_id: int, person: str, prefix: str) -> HomeRow:
    """The person's home; the record of a new one is made where there is none."""
    home = in_use(db, user_id)
    if home is not None and home.user_since != _since(db, user_id):
        put_aside(db, user_id)
        home = None
    if home is None:
        home = _new(db, user_id, person, prefix, _next_generation(db, person))
        db.commit()
    elif home.person != person:  # renamed
        home.person = person
        db.commit()
    return home


def claim_another(db: Session, home: HomeRow, prefix: str) -> HomeRow:
    """The volume of `home` turned out to be somebody else's: the next name, in its place."""
    person, generation = home.named_after, home.generation
    newest = _next_generation(db, person)
    another = _new(db, home.user_id, person, prefix, max(generation + 1, newest))
    db.delete(home)
    db.commit()
    return another


def _new(db: Session, user_id: int | None, person: str, prefix: str, generation: int) -> HomeRow:
    # An admin may have given somebody a home of that name which the database did not know.
    while db.get(HomeRow, volume := names.home_volume(prefix, person, generation)) is not None:
        generation += 1
    home = HomeRow(
        volume=volume,
        user_id=user_id,
        user_since=_since(db, user_id),
        person=person,
        named_after=person,
        generation=generation,
        token=secrets.token_hex(8),
        made=False,
    )
    db.add(home)
    return home


def _since(db: Session, user_id: int | None) -> datetime | None:
    return db.scalar(select(orm.User.created).filter_by(id=user_id))


def _next_generation(db: Session, person: str) -> int:
    newest = select(func.max(HomeRow.generation)).filter_by(named_after=person)
    return (db.scalar(newest) or 0) + 1


def is_theirs(home: HomeRow, volume: Volume) -> bool:
    """Whether this volume is the home that the record means."""
    return volume.token == home.token


def new_token(db: Session, home: HomeRow) -> str:
    """A word for a volume that is about to be made."""
    home.token = secrets.token_hex(8)
    db.commit()
    return home.token


def is_made(db: Session, home: HomeRow) -> None:
    """The volume is there."""
    if not home.made or home.missing:
        home.made, home.missing = True, None
        db.commit()


def is_missing(db: Session, home: HomeRow) -> bool:
    """The volume was there once and is gone. True when that is news: its person has to be told.

    Until the next start it is known again when a backup brings it back; then an empty one takes
    its place, which has a word of its own.
    """
    if home.missing is None:
        home.missing = naive(datetime.now(UTC))
        db.commit()
        return True
    home.made = False
    new_token(db, home)
    return False


def put_aside(db: Session, user_id: int, now: datetime | None = None) -> None:
    """The person was deleted, or gets another home. Does nothing for one who never had any."""
    home = in_use(db, user_id)
    if home is not None:
        home.put_aside, home.user_id = naive(now or datetime.now(UTC)), None
        db.commit()


def put_aside_of_nobody(db: Session) -> list[HomeRow]:
    """Put aside the homes whose person is in the database no more; returns them."""
    used = select(HomeRow).filter_by(put_aside=None)
    nobodys = list(db.scalars(used.where(HomeRow.user_id.not_in(select(orm.User.id)))))
    for home in nobodys:
        home.put_aside, home.user_id = naive(datetime.now(UTC)), None
    if nobodys:
        db.commit()
    return nobodys


def find_put_aside(db: Session, volume: str) -> HomeRow:
    """That home; raises HomeError when none of this name is put aside."""
    home = db.get(HomeRow, volume)
    if home is None or home.put_aside is None:
        raise HomeError(f"No home called {volume} is put aside.")
    return home


def hand_back(db: Session, volume: str, user_id: int, person: str) -> None:
    """Make it the home of `person`; the home they have now is put aside in its place.

    The caller sees to it that no server of theirs runs. Raises HomeError as `find_put_aside`.
    """
    home = find_put_aside(db, volume)
    put_aside(db, user_id)
    home.user_id, home.person, home.put_aside = user_id, person, None
    home.user_since = _since(db, user_id)
    db.commit()


def assign(db: Session, volume: Volume, user_id: int, person: str) -> None:
    """Make a volume that this database did not know the home of `person`, as `hand_back` does."""
    if db.get(HomeRow, volume.name) is not None:
        raise HomeError(f"The home {volume.name} is known already.")
    put_aside(db, user_id)
    db.add(
        HomeRow(
            volume=volume.name,
            user_id=user_id,
            user_since=_since(db, user_id),
            person=person,
            named_after=volume.user,
            generation=_next_generation(db, volume.user),
            token=volume.token,
            made=True,
        )
    )
    db.commit()


def naive(time: datetime) -> datetime:
    """As the tables have it: UTC without zone."""
    return time.astimezone(UTC).replace(tzinfo=None)
