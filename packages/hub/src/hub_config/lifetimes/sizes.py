"""How large homes are: what the container `homes` wrote down, and what is said of it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from hub_config import disk
from hub_config.lifetimes import homes, measuring
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

    def of(self, db: Session, user_id: int) -> Measured | None:
        """That person's home; None while it is not known."""
        known = self.known()
        home = homes.in_use(db, user_id) if known else None
        return known.get(home.volume) if home else None

    def __call__(self, user: Any) -> Said | None:
        """What `user`, JupyterHub's object, is told; None for nobody, and while it is not known."""
        found = self.of(user.db, user.id) if hasattr(user, "spawners") else None
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
