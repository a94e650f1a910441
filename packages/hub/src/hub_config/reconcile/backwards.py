"""What went back in time: the machine's clock, or the database, of which an older copy came up.

A word in the database changes at every pass; beside it, in the proxy's volume, which no backup and
no copy of the database brings back, is the one that it should have.
"""

import logging
import secrets
from datetime import timedelta
from pathlib import Path

from jupyterhub import orm
from sqlalchemy import String, delete, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, Session, mapped_column

from hub_config.database import Base
from hub_config.lifetimes.folders import FolderRow
from hub_config.lifetimes.homes import HomeRow
from hub_config.moments import now

CLOCKS_DIFFER = timedelta(minutes=2)
"""By so much a time may lie in the future without the clock having been set back."""

log = logging.getLogger("reconcile")


class MarkRow(Base):
    """The one row with the word of the last pass."""

    __tablename__ = "platform_mark"
    word: Mapped[str] = mapped_column(String(32), primary_key=True)


def look(db: Session, mark: Path) -> bool:
    """Mend what went back; False, with a warning, while the database takes no changes: a full disk
    is no reason to leave what runs alone.
    """
    try:
        forward_again(db)
        keep_homes_of_an_older_copy(db, mark)
    except SQLAlchemyError as error:
        db.rollback()
        log.warning("The database takes no changes; no home is removed until it does: %s", error)
        return False
    return True


def keep_homes_of_an_older_copy(db: Session, mark: Path) -> None:
    """After an older copy of the database came up, count the days of homes that are put aside in
    it from now: somebody may have been given one of them since, and none goes without its time.
    """
    word = db.scalar(select(MarkRow.word)) or ""
    known = _words(mark)
    aside = [*HomeRow.aside(db), *FolderRow.aside(db)]
    if word not in known and (word or known) and aside:
        log.warning(
            "The database is an older copy: the homes that are put aside in it are kept as if that "
            "had been today."
        )
        for home in aside:
            home.put_aside = now()
        db.commit()
    following = secrets.token_hex(8)
    # Both words, since a hub may be killed before the database has the new one.
    try:
        mark.write_text(f"{word} {following}", encoding="ascii")
    except OSError as error:
        # The word stays as it is, so both still mean the same.
        log.warning("Cannot write %s: %s", mark, error)
        return
    db.execute(delete(MarkRow))
    db.add(MarkRow(word=following))
    db.commit()


def _words(mark: Path) -> list[str]:
    try:
        return mark.read_text(encoding="ascii").split()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        # As if it were not there: homes are kept for longer, and what runs is compared.
        log.warning("Cannot read %s: %s", mark, error)
        return []


def forward_again(db: Session) -> None:
    """After the clock was set back: bring times of activity from the future back to now.

    JupyterHub takes only later times than it has, so until the clock is there again it would count
    no activity, and keep idle servers.
    """
    present = now()
    limit = present + CLOCKS_DIFFER
    changed = False
    for record in (orm.Spawner, orm.User):
        for one in db.scalars(select(record).where(record.last_activity > limit)):
            one.last_activity = present
            changed = True
    for server in db.scalars(select(orm.Spawner).where(orm.Spawner.started > limit)):
        server.started = present
        changed = True
    if changed:
        log.warning("The clock was set back: times of activity were brought back to now.")
        db.commit()
