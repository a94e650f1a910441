"""What is published, whose it is, and where its two files are: in the data volume and its backups.

A name of random digits for each; with its owner it goes from the database at once, and its files
with the next one that comes or goes.
"""

import secrets
import shutil
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from jupyterhub import orm
from sqlalchemy import Connection, DateTime, Integer, String, delete, event, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from hub_config.database import Base
from hub_config.moments import now

MOST = 100
"""Notebooks that one person may have published at a time."""

MOST_BYTES = 20 * 2**20
"""Size of a notebook, and of its HTML, at most."""

NOTEBOOK, VIEW = "notebook.ipynb", "view.html"


class ShelfError(ValueError):
    """What was asked for is impossible; the message says why."""


class PublishedRow(Base):
    """One notebook. `path` is where it was in its owner's home; `at` is UTC without zone."""

    __tablename__ = "platform_published"
    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    user_id: Mapped[int] = mapped_column(Integer, index=True)
    path: Mapped[str] = mapped_column(String(1024))
    at: Mapped[datetime] = mapped_column(DateTime)

    @property
    def name(self) -> str:
        """What the file is called."""
        return PurePosixPath(self.path).name


@event.listens_for(orm.User, "after_delete")
def _with_its_owner(_mapper: Any, connection: Connection, user: orm.User) -> None:
    """In the same transaction: SQLite gives the id of somebody who was deleted to a newcomer."""
    table = PublishedRow.__table__
    connection.execute(delete(table).where(table.c.user_id == user.id))  # type: ignore[arg-type]


def everything(db: Session) -> list[PublishedRow]:
    """All that is published, the newest first."""
    return list(db.scalars(select(PublishedRow).order_by(PublishedRow.at.desc())))


def owners(db: Session, rows: Iterable[PublishedRow]) -> dict[int, str]:
    """What their owners are called now, by their ids."""
    ids = {row.user_id for row in rows}
    found = db.execute(select(orm.User.id, orm.User.name).where(orm.User.id.in_(ids)))
    return dict(found.tuples().all())


def find(db: Session, name: str) -> PublishedRow:
    """The one of that id; raises ShelfError."""
    if (row := db.get(PublishedRow, name)) is None:
        raise ShelfError("This notebook is not published, or no more.")
    return row


def of(db: Session, user_id: int, path: str) -> PublishedRow | None:
    """What that person has published of that file."""
    return db.scalars(select(PublishedRow).filter_by(user_id=user_id, path=path)).first()


def put(
    db: Session, folder: Path, user_id: int, path: str, notebook: bytes, view: bytes
) -> PublishedRow:
    """Publish it; what the owner has published of that path is replaced and keeps its address.

    Raises ShelfError, and OSError on a full disk.
    """
    row = of(db, user_id, path)
    count = db.scalar(select(func.count()).select_from(PublishedRow).filter_by(user_id=user_id))
    if row is None and (count or 0) >= MOST:
        raise ShelfError(f"You have published {MOST} notebooks; withdraw one first.")
    at = now()
    if row is None:
        row = PublishedRow(id=secrets.token_hex(8), user_id=user_id, path=path, at=at)
    place = folder / row.id
    place.mkdir(parents=True, exist_ok=True)
    for called, content in ((NOTEBOOK, notebook), (VIEW, view)):
        unfinished = place / f".{called}"
        unfinished.write_bytes(content)
        unfinished.replace(place / called)
    row.at = at
    db.add(row)
    db.commit()
    sweep(folder, (one.id for one in everything(db)))
    return row


def withdraw(db: Session, folder: Path, row: PublishedRow) -> None:
    """Nobody sees it any more."""
    db.delete(row)
    db.commit()
    sweep(folder, (one.id for one in everything(db)))


def sweep(folder: Path, known: Iterable[str]) -> None:
    """Remove the files of what is not published any more."""
    kept = set(known)
    for place in folder.glob("*"):
        if place.name not in kept:
            shutil.rmtree(place, ignore_errors=True)
