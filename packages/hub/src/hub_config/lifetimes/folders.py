"""Which volume is the folder of which group, and which are put aside since their group is deleted.

As with homes (`homes.py`), a folder belongs to a group's id in this very database, and is known
again by a random word there and on the volume. Records only.
"""

import secrets
from datetime import UTC, datetime
from typing import Any

from jupyterhub import orm
from sqlalchemy import Connection, String, event, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from hub_config import names
from hub_config.lifetimes.homes import HomeError, VolumeRow, naive
from hub_config.runtime.interface import Volume


class FolderRow(VolumeRow):
    """One volume. `group_id` is whose it is, None when put aside; the rest is as in HomeRow."""

    __tablename__ = "platform_group_folders"
    group_id: Mapped[int | None] = mapped_column(index=True)
    group: Mapped[str] = mapped_column(String(255), index=True)

    @property
    def person(self) -> str:
        """Whose it is or was, as of a home."""
        return self.group


def _now() -> datetime:
    return naive(datetime.now(UTC))


@event.listens_for(orm.Group, "after_delete")
def _with_its_group(_mapper: Any, connection: Connection, group: orm.Group) -> None:
    """In the same transaction: SQLite gives the id of a group that was deleted to the next one."""
    table = FolderRow.__table__
    mine = update(table).where(table.c.group_id == group.id)  # type: ignore[arg-type]
    connection.execute(mine.values(group_id=None, put_aside=_now()))


def in_use(db: Session, group_id: int) -> FolderRow | None:
    """The group's folder, None while it has none."""
    return db.scalars(select(FolderRow).filter_by(group_id=group_id)).first()


def claim(db: Session, group: orm.Group, prefix: str) -> FolderRow | None:
    """The group's folder; the record of a new one is made where there is none. None for a group
    whose name is too long for a volume's.
    """
    return in_use(db, group.id) or _new(db, group.id, group.name, prefix)


def claim_another(db: Session, folder: FolderRow, prefix: str) -> FolderRow | None:
    """The volume of `folder` turned out to be another database's: the next name, in its place."""
    group_id, group = folder.group_id, folder.group
    another = _new(db, group_id, group, prefix, after=folder.generation)
    db.delete(folder)
    db.commit()
    return another


def _new(
    db: Session, group_id: int | None, group: str, prefix: str, after: int = 0
) -> FolderRow | None:
    newest = db.scalar(select(func.max(FolderRow.generation)).filter_by(group=group)) or 0
    generation = max(after, newest) + 1
    volume = names.group_volume(prefix, group, generation)
    if len(volume) > names.LONGEST or len(names.group_folder(group).encode()) > names.LONGEST:
        return None
    folder = FolderRow(
        volume=volume,
        group_id=group_id,
        group=group,
        generation=generation,
        token=secrets.token_hex(8),
        made=False,
    )
    db.add(folder)
    db.commit()
    return folder


def is_made(db: Session, folder: FolderRow) -> None:
    """The volume is there."""
    if not folder.made:
        folder.made = True
        db.commit()


def put_aside_of_nobody(db: Session) -> None:
    """Put aside the folders whose group is in the database no more."""
    orphans = FolderRow.group_id.is_not(None) & FolderRow.group_id.not_in(select(orm.Group.id))
    db.execute(update(FolderRow).where(orphans).values(group_id=None, put_aside=_now()))
    db.commit()


def find_put_aside(db: Session, volume: str) -> FolderRow | None:
    """That folder; None when none of this name is put aside."""
    folder = db.get(FolderRow, volume)
    return folder if folder and folder.put_aside else None


def hand_back(db: Session, folder: FolderRow, group_name: str) -> None:
    """Make it the folder of the group of that name; the one it has now is put aside in its place.

    Running servers keep what they have; it counts at the members' next start. Raises HomeError.
    """
    if (group := orm.Group.find(db, group_name)) is None:
        raise HomeError(f"There is no group called {group_name}.")
    if now := in_use(db, group.id):
        now.group_id, now.put_aside = None, _now()
    folder.group_id, folder.put_aside = group.id, None
    db.commit()


def assign(db: Session, volume: Volume, group: str) -> None:
    """Make a volume that this database did not know the folder of a group, as `hand_back` does."""
    folder = FolderRow(
        volume=volume.name,
        group=volume.user,
        generation=names.generation_of(volume.name),
        token=volume.token,
        made=True,
        put_aside=_now(),
    )
    db.add(folder)
    try:
        hand_back(db, folder, group)
    except HomeError:
        db.rollback()
        raise
