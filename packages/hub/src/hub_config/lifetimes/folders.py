"""Which volume is the folder of which group, and which are put aside since their group is deleted.

As with homes (`homes.py`), a folder belongs to a group's id in this very database, and is known
again by a random word there and on the volume. Records only.
"""

from typing import Any

from jupyterhub import orm
from sqlalchemy import Connection, String, event, update
from sqlalchemy.orm import Mapped, Session, mapped_column, synonym

from hub_config import names
from hub_config.lifetimes.homes import VolumeRow
from hub_config.moments import now


class FolderRow(VolumeRow):
    """One volume, of a group. What that was called when the volume was made is all that is known of
    its name.
    """

    __tablename__ = "platform_group_folders"
    OWNER = orm.Group
    owner_id: Mapped[int | None] = mapped_column("group_id", index=True)
    person: Mapped[str] = mapped_column("group", String(255), index=True)
    named_after: Mapped[str] = synonym("person")

    @staticmethod
    def called(prefix: str, name: str, generation: int) -> str:
        """Empty for a group whose name is too long for a volume's, or a file's."""
        volume, folder = names.group_volume(prefix, name, generation), names.group_folder(name)
        fits = max(len(volume), len(folder.encode())) <= names.LONGEST
        return volume if fits else ""


@event.listens_for(orm.Group, "after_delete")
def _with_its_group(_mapper: Any, connection: Connection, group: orm.Group) -> None:
    """In the same transaction: SQLite gives the id of a group that was deleted to the next one."""
    table: Any = FolderRow.__table__
    mine = update(table).where(table.c.group_id == group.id)
    connection.execute(mine.values(group_id=None, put_aside=now()))


def claim(db: Session, group: orm.Group, prefix: str) -> FolderRow:
    """The group's folder; the record of a new one is made where there is none. Raises HomeError for
    a group whose name is too long for a volume's.
    """
    if (found := FolderRow.in_use(db, group.id)) is None:
        found = FolderRow.new(db, group.id, group.name, prefix)
        db.commit()
    return found
