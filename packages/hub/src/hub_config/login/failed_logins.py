"""How long to wait after failed log-ins, kept in the database so that a restart forgives nothing.

Three counts, each leaking away with time:

- one name from one address, or from one browser that has logged in before: some failures are free,
  then waits double up to the longest one;
- one address, whatever the names: the same with five times as many free;
- one name from everywhere: beyond ten times as many, each address has a single free failure left.

Nobody else's failures can make a person wait who comes from another address or with a browser
that is known, every wait ends by itself, and attempts during a wait do not prolong it: no admin is
locked out for good. What is stored are keyed digests, since people type passwords into the field
of the name.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Float, String, delete
from sqlalchemy.orm import Mapped, Session, mapped_column

from hub_config.login import vault
from hub_config.store import Base

PAIR_LEAK, WIDE_LEAK = 900.0, 60.0
"""Seconds after which one failure is forgiven: of a name from an address; of an address or name."""

ADDRESS_FACTOR, NAME_FACTOR = 5, 10


class FailedLoginRow(Base):
    """One count; `key` and `about` are digests, times in seconds since the epoch."""

    __tablename__ = "platform_failed_logins"
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    about: Mapped[str] = mapped_column(String(64), index=True)
    level: Mapped[float] = mapped_column(Float)
    at: Mapped[float] = mapped_column(Float)
    forgiven: Mapped[float] = mapped_column(Float, index=True)


@dataclass(frozen=True)
class Limits:
    """`free` failures cost no wait (0: no limit at all); no wait is longer than `longest` s."""

    free: int
    longest: int


@dataclass(frozen=True)
class Source:
    """Where a log-in comes from; `browser` is set for one that logged in as this person before."""

    address: str
    browser: str = ""


def pause(level: float, free: float, longest: float) -> float:
    """Seconds to wait after a failure that brought the count to `level`: 1, 2, 4, … `longest`.

    Rounded, since a count leaks a little between two failures.
    """
    over = round(level) - free
    if over < 0:
        return 0.0
    return float(min(longest, 2 ** min(over, 32)))


def leaked(level: float, seconds: float, leak: float) -> float:
    """What is left of a count of `level` after `seconds`."""
    return max(0.0, level - seconds / leak)


class FailedLogins:
    """The counts in the hub's database."""

    def __init__(self, db: Session, limits: Limits, clock: Callable[[], float] = time.time) -> None:
        self.db, self.limits, self._clock = db, limits, clock
        self._under_way: Counter[str] = Counter()

    def wait(self, name: str, source: Source) -> float:
        """Seconds this name has to wait from this source; 0 when it may try."""
        if not self.limits.free:
            return 0.0
        free = float(self.limits.free)
        if not source.browser and round(self._level(self._name(name))) >= NAME_FACTOR * free:
            free = 1.0
        pair = self._pair(name, source)
        waits = [self._remaining(pair, free)]
        if not source.browser:
            waits.append(self._remaining(self._address(source), ADDRESS_FACTOR * self.limits.free))
        if self._under_way[pair] and round(self._level(pair)) + self._under_way[pair] >= free:
            waits.append(1.0)  # side by side one would get more guesses than one after the other
        return max(waits)

    @contextmanager
    def attempt(self, name: str, source: Source) -> Iterator[None]:
        """Around a check: it counts as a failure against other checks at the same time."""
        pair = self._pair(name, source)
        self._under_way[pair] += 1
        try:
            yield
        finally:
            self._under_way[pair] -= 1
            if not self._under_way[pair]:
                del self._under_way[pair]

    def failed(self, name: str, source: Source) -> None:
        """Count a failure."""
        if not self.limits.free:
            return
        about = self._name(name)
        self._add(self._pair(name, source), about, PAIR_LEAK)
        self._add(about, about, WIDE_LEAK)
        self._add(self._address(source), "", WIDE_LEAK)
        self.db.execute(delete(FailedLoginRow).where(FailedLoginRow.forgiven < self._clock()))
        self.db.commit()

    def succeeded(self, name: str, source: Source) -> None:
        """Forget the failures of this name from this source."""
        row = self.db.get(FailedLoginRow, self._pair(name, source))
        if row is not None:
            self.db.delete(row)
            self.db.commit()

    def forget(self, name: str) -> None:
        """Forget all failures of this name: an admin gave it a new password."""
        about = self._name(name)
        self.db.execute(delete(FailedLoginRow).where(FailedLoginRow.about == about))
        self.db.commit()

    def _level(self, key: str) -> float:
        row = self.db.get(FailedLoginRow, key)
        if row is None:
            return 0.0
        leak = PAIR_LEAK if row.key != row.about and row.about else WIDE_LEAK
        return leaked(row.level, self._clock() - row.at, leak)

    def _remaining(self, key: str, free: float) -> float:
        row = self.db.get(FailedLoginRow, key)
        if row is None:
            return 0.0
        until = row.at + pause(row.level, free, self.limits.longest)
        return max(0.0, until - self._clock())

    def _add(self, key: str, about: str, leak: float) -> None:
        now = self._clock()
        level = self._level(key) + 1
        self.db.merge(
            FailedLoginRow(key=key, about=about, level=level, at=now, forgiven=now + level * leak)
        )

    def _pair(self, name: str, source: Source) -> str:
        where = ("browser", source.browser) if source.browser else ("address", source.address)
        return vault.digest("failed log-ins of a pair", name, *where)

    def _name(self, name: str) -> str:
        return vault.digest("failed log-ins of a name", name)

    def _address(self, source: Source) -> str:
        return vault.digest("failed log-ins of an address", source.address)
