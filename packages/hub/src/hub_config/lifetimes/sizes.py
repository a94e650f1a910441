"""How large homes are: what the container `homes` wrote down, and what is said of it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub_config import disk
from hub_config.lifetimes import measuring
from hub_config.lifetimes.homes import HomeRow
from hub_config.lifetimes.measuring import Measured

NEAR = 0.9
"""Share of the limit from which on people are warned."""


@dataclass(frozen=True)
class Said:
    """A sentence for a home's person, and whether it is a warning."""

    sentence: str
    near: bool = False


class Sizes:
    """What is known; for templates too, as `home_size`."""

    def __init__(self, file: Path, limit: int) -> None:
        """`limit` is how many bytes a home should have at most; 0: there is no limit."""
        self.file, self.limit = file, limit
        self._read_at = 0
        self._known: dict[str, Measured] = {}

    def known(self) -> dict[str, Measured]:
        """By volume; read anew only after it was written anew."""
        try:
            at = self.file.stat().st_mtime_ns
        except OSError:
            return {}
        if at != self._read_at:
            self._read_at, self._known = at, measuring.read(self.file)
        return self._known

    def of(self, db: Session, users: Collection[int]) -> dict[int, Measured]:
        """The homes of people by their ids; of whom nothing is known is not in it."""
        if not (known := self.known()):
            return {}
        used = select(HomeRow).where(HomeRow.put_aside.is_(None), HomeRow.owner_id.in_(users))
        found = [(home.owner_id, known.get(home.volume)) for home in db.scalars(used)]
        return {person: one for person, one in found if person is not None and one is not None}

    def __call__(self, user: Any) -> Said | None:
        """What `user`, JupyterHub's object, is told; None for nobody, and while it is not known."""
        found = self.of(user.db, [user.id]).get(user.id) if hasattr(user, "spawners") else None
        return say(found, self.limit, datetime.now(UTC)) if found else None


def say(found: Measured, limit: int, now: datetime) -> Said:
    """What to tell a person of the own home."""
    minutes = int((now - datetime.fromisoformat(found.at)).total_seconds() // 60)
    when = f"{minutes // 60} h ago" if minutes >= 120 else f"{max(0, minutes)} min ago"
    more = "" if found.whole else "more than "
    takes = f"Your files take {more}{disk.size(found.size)}"
    if not limit:
        return Said(f"{takes} (measured {when}).")
    near = found.size >= NEAR * limit
    advice = " Please delete what you do not need." if near else ""
    of = f"of the {disk.size(limit)} a home should have at most (measured {when})"
    return Said(f"{takes} {of}.{advice}", near)
