"""Whose home is which volume, and which homes are put aside because their person was deleted.

A home belongs to a person's id in this very database. It is known again by a random word that is
in the database and on the volume: a volume that has another one, or none where one is expected, is
somebody else's, whatever it is called. Records only: `reconcile.pages` and `spawning.parts` act
on them.
"""

import secrets
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from jupyterhub import orm
from sqlalchemy import String, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from hub_config import names
from hub_config.database import Base
from hub_config.moments import now, utc
from hub_config.runtime.interface import Volume


class DatabaseRow(Base):
    """What this database is called: one row, made at first use."""

    __tablename__ = "platform_database"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)


class HomeError(ValueError):
    """What was asked of a home or a folder is impossible; the message says why."""


class VolumeRow(Base):
    """What homes and groups' folders have in common. `owner_id` is whose it is, None when put
    aside, `person` what that one was called last; `named_after` and `generation` are what the
    volume was called by when it was made. `token` is the word on the volume; empty for one that is
    older. `made` is whether the volume was there once. Times are UTC without zone.
    """

    __abstract__ = True
    OWNER: ClassVar[Any]
    """What of JupyterHub's its owner is."""

    volume: Mapped[str] = mapped_column(String(255), primary_key=True)
    generation: Mapped[int]
    token: Mapped[str] = mapped_column(String(32))
    made: Mapped[bool]
    put_aside: Mapped[datetime | None]
    owner_id: Mapped[int | None]
    person: Mapped[str]
    named_after: Mapped[str]

    @staticmethod
    def called(prefix: str, name: str, generation: int) -> str:
        """What a volume for somebody of that name is called; empty where it can be none."""
        raise NotImplementedError

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
    def due(cls, db: Session, keep: timedelta, at: datetime | None = None) -> list[Self]:
        """Those that were put aside for long enough."""
        limit = (utc(at) if at else now()) - keep
        return [one for one in cls.aside(db) if one.put_aside and one.put_aside <= limit]

    @classmethod
    def in_use(cls, db: Session, owner_id: int) -> Self | None:
        """The one of that owner, None while there is none."""
        return db.scalars(select(cls).filter_by(owner_id=owner_id, put_aside=None)).first()

    @classmethod
    def find_put_aside(cls, db: Session, volume: str) -> Self | None:
        """That one; None when none of this name is put aside."""
        found = db.get(cls, volume)
        return found if found and found.put_aside else None

    @classmethod
    def new(cls, db: Session, owner_id: int | None, name: str, prefix: str, after: int = 0) -> Self:
        """The record of a new one. The caller commits. Raises HomeError for a name too long."""
        newest = db.scalar(select(func.max(cls.generation)).where(cls.named_after == name)) or 0
        generation = max(after, newest) + 1
        # An admin may have given somebody one of that name which the database did not know.
        while (volume := cls.called(prefix, name, generation)) and db.get(cls, volume) is not None:
            generation += 1
        if not volume:
            raise HomeError(f"The name {name} is too long for a volume.")
        row = cls(volume=volume, person=name, named_after=name, generation=generation, made=False)
        row.token = secrets.token_hex(8)
        row.belong(db, owner_id)
        db.add(row)
        return row

    def another(self, db: Session, prefix: str) -> Self:
        """The volume turned out to be somebody else's: the next name, in its place."""
        found = self.new(db, self.owner_id, self.named_after, prefix, self.generation)
        db.delete(self)
        db.commit()
        return found

    def belong(self, db: Session, owner_id: int | None) -> None:
        """It is theirs from now on. The caller commits."""
        self.owner_id, self.put_aside = owner_id, None

    def leave(self, at: datetime | None = None) -> None:
        """It is put aside. The caller commits."""
        self.owner_id, self.put_aside = None, utc(at) if at else now()

    def is_made(self, db: Session) -> None:
        """The volume is there."""
        if not self.made:
            self.made = True
            db.commit()

    @classmethod
    def put_aside_of_nobody(cls, db: Session) -> None:
        """Put aside those whose owner is in the database no more."""
        used = select(cls).where(cls.owner_id.is_not(None))
        for one in db.scalars(used.where(cls.owner_id.not_in(select(cls.OWNER.id)))).all():
            one.leave()
        db.commit()

    def hand_to(self, db: Session, owner: Any) -> None:
        """Make it the one of that person or group; the one they have now is put aside.

        The caller sees to it that no server of a person runs; of a group it counts at the members'
        next start.
        """
        if has := self.in_use(db, owner.id):
            has.leave()
        self.belong(db, owner.id)
        self.person = owner.name
        db.commit()

    @classmethod
    def assign(cls, db: Session, volume: Volume, owner: Any) -> None:
        """Make a volume that this database did not know theirs, as `hand_to` does."""
        if db.get(cls, volume.name) is not None:
            raise HomeError(f"The volume {volume.name} is known already.")
        row = cls(volume=volume.name, person=volume.user, named_after=volume.user, made=True)
        row.token, row.generation = volume.token, names.generation_of(volume.name)
        db.add(row)
        row.hand_to(db, owner)


class HomeRow(VolumeRow):
    """One home. `user_since` is when its person was made: SQLite gives the id of somebody who was
    deleted to a newcomer. `missing` is when the volume was first found to be gone.
    """

    __tablename__ = "platform_home_volumes"
    OWNER = orm.User
    owner_id: Mapped[int | None] = mapped_column("user_id", index=True)
    user_since: Mapped[datetime | None]
    person: Mapped[str] = mapped_column(String(255))
    named_after: Mapped[str] = mapped_column(String(255), index=True)
    missing: Mapped[datetime | None]

    @staticmethod
    def called(prefix: str, name: str, generation: int) -> str:
        """As `names` has it."""
        return names.home_volume(prefix, name, generation)

    def belong(self, db: Session, owner_id: int | None) -> None:
        """When that one was made is noted, too."""
        super().belong(db, owner_id)
        self.user_since = _since(db, owner_id)

    def is_made(self, db: Session) -> None:
        """The volume is there, also one that was missing."""
        if self.missing:
            self.missing = None
            db.commit()
        super().is_made(db)


def database_id(db: Session) -> str:
    """What this database is called."""
    row = db.scalars(select(DatabaseRow)).first()
    if row is None:
        row = DatabaseRow(id=secrets.token_hex(8))
        db.add(row)
        db.commit()
    return row.id


def claim(db: Session, user_id: int, person: str, prefix: str) -> HomeRow:
    """The person's home; the record of a new one is made where there is none."""
    home = HomeRow.in_use(db, user_id)
    if home is not None and home.user_since != _since(db, user_id):
        home.leave()
        home = None
    if home is None or home.person != person:
        home = home or HomeRow.new(db, user_id, person, prefix)
        home.person = person
        db.commit()
    return home


def _since(db: Session, user_id: int | None) -> datetime | None:
    return db.scalar(select(orm.User.created).filter_by(id=user_id))


def is_theirs(home: HomeRow, volume: Volume) -> bool:
    """Whether this volume is the home that the record means."""
    return volume.token == home.token


def new_token(db: Session, home: HomeRow) -> str:
    """A word for a volume that is about to be made."""
    home.token = secrets.token_hex(8)
    db.commit()
    return home.token


def is_missing(db: Session, home: HomeRow) -> bool:
    """The volume was there once and is gone. True when that is news: its person has to be told.

    Until the next start it is known again when a backup brings it back; then an empty one takes
    its place, which has a word of its own.
    """
    if home.missing is None:
        home.missing = now()
        db.commit()
        return True
    home.made = False
    new_token(db, home)
    return False


def put_aside(db: Session, user_id: int, at: datetime | None = None) -> None:
    """The person was deleted. Does nothing for one who never had a home."""
    if home := HomeRow.in_use(db, user_id):
        home.leave(at)
        db.commit()
