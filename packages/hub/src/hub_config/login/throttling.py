"""How long to wait after failed log-ins and sign-ups, kept in the database across restarts.

Of failed log-ins there are three counts, each leaking away with time:

- one name from one address, or from one browser that has logged in before: some failures are free,
  then waits double up to the longest one;
- one address, whatever the names: the same with five times as many free;
- one name from everywhere: beyond ten times as many, each address has a single free failure left.

Nobody else's failures can make a person wait who comes from another address or with a browser
that is known, every wait ends by itself, and attempts during a wait do not prolong it: no admin is
locked out for good. Whose failures they are is the account's key, which a rename leaves alone, or
what was typed where there is no account. What is stored are keyed digests, since people type
passwords into the field of the name.

Sign-ups are counted for each address: the accounts that it gets, so that nobody fills an admin's
list of people, and with five times as many free all that it asks for, so that nobody finds out
names. A class behind one address may sign up at once, and mistype; a program that goes on and on
may not.

A clock that was set back makes nobody wait longer: what it counted in the future begins now.
"""

import math
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus

from sqlalchemy import Float, String, delete
from sqlalchemy.orm import Mapped, Session, mapped_column

from hub_config import counted
from hub_config.database import Base
from hub_config.login import credentials
from hub_config.login.accounts import AccountError


class RefusedError(AccountError):
    """Refused for now; `status` is the HTTP status, `wait` the seconds until the next try."""

    def __init__(self, message: str, status: HTTPStatus, wait: float = 0.0) -> None:
        super().__init__(message)
        self.status, self.wait = status, wait


PAIR_LEAK, WIDE_LEAK = 900.0, 60.0
"""Seconds after which one failure is forgiven: of a name from an address; of an address or name."""

ADDRESS_FACTOR, NAME_FACTOR = 5, 10

ATTEMPTS_FACTOR = 5
"""How many sign-ups an address may ask for, for each that it may get."""

HOUR = 3600.0


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


class Counts:
    """The counts in the hub's database."""

    def __init__(self, db: Session, clock: Callable[[], float] = time.time) -> None:
        self.db, self._clock = db, clock

    def find(self, key: str) -> FailedLoginRow | None:
        """The count `key`, whose time is never in the future."""
        row = self.db.get(FailedLoginRow, key)
        if row is not None and (ahead := row.at - self._clock()) > 0:
            row.at, row.forgiven = row.at - ahead, row.forgiven - ahead
            self.db.commit()
        return row

    def since(self, row: FailedLoginRow) -> float:
        """Seconds since it was counted."""
        return self._clock() - row.at

    def level(self, key: str, leak: float) -> float:
        """How much of the count is left."""
        row = self.find(key)
        return leaked(row.level, self.since(row), leak) if row else 0.0

    def add(self, key: str, leak: float, about: str = "") -> None:
        """Count one more. The caller commits."""
        level, now = self.level(key, leak) + 1, self._clock()
        self.db.merge(
            FailedLoginRow(key=key, about=about, level=level, at=now, forgiven=now + level * leak)
        )

    def commit(self) -> None:
        """Keep what was counted, without what is forgiven by now."""
        self.db.execute(delete(FailedLoginRow).where(FailedLoginRow.forgiven < self._clock()))
        self.db.commit()


class FailedLogins:
    """Failed log-ins; `who` is an account's key, or what was typed."""

    def __init__(self, db: Session, limits: Limits, clock: Callable[[], float] = time.time) -> None:
        self.db, self.limits, self._counts = db, limits, Counts(db, clock)
        self._under_way: Counter[str] = Counter()

    def wait(self, who: str, source: Source) -> float:
        """Seconds they have to wait from this source; 0 when they may try."""
        if not self.limits.free:
            return 0.0
        free = float(self.limits.free)
        everywhere = round(self._counts.level(self._name(who), WIDE_LEAK))
        if not source.browser and everywhere >= NAME_FACTOR * free:
            free = 1.0
        pair = self._pair(who, source)
        waits = [self._remaining(pair, free)]
        if not source.browser:
            waits.append(self._remaining(self._address(source), ADDRESS_FACTOR * self.limits.free))
        level = round(self._counts.level(pair, PAIR_LEAK))
        if self._under_way[pair] and level + self._under_way[pair] >= free:
            waits.append(1.0)  # side by side one would get more guesses than one after the other
        return max(waits)

    @contextmanager
    def attempt(self, who: str, source: Source) -> Iterator[None]:
        """Around a check: it counts as a failure against other checks at the same time."""
        pair = self._pair(who, source)
        self._under_way[pair] += 1
        try:
            yield
        finally:
            self._under_way[pair] -= 1
            if not self._under_way[pair]:
                del self._under_way[pair]

    def failed(self, who: str, source: Source) -> None:
        """Count a failure."""
        counted.FAILED_LOGINS.inc()
        if not self.limits.free:
            return
        about = self._name(who)
        self._counts.add(self._pair(who, source), PAIR_LEAK, about)
        self._counts.add(about, WIDE_LEAK, about)
        self._counts.add(self._address(source), WIDE_LEAK)
        self._counts.commit()

    def succeeded(self, who: str, source: Source) -> None:
        """Forget the failures of this account from this source."""
        row = self.db.get(FailedLoginRow, self._pair(who, source))
        if row is not None:
            self.db.delete(row)
            self.db.commit()

    def forget(self, who: str) -> None:
        """Forget all failures of this account: an admin gave it a new password."""
        about = self._name(who)
        self.db.execute(delete(FailedLoginRow).where(FailedLoginRow.about == about))
        self.db.commit()

    def _remaining(self, key: str, free: float) -> float:
        row = self._counts.find(key)
        if row is None:
            return 0.0
        return max(0.0, pause(row.level, free, self.limits.longest) - self._counts.since(row))

    def _pair(self, who: str, source: Source) -> str:
        where = ("browser", source.browser) if source.browser else ("address", source.address)
        return credentials.digest("failed log-ins of a pair", who, *where)

    def _name(self, who: str) -> str:
        return credentials.digest("failed log-ins of a name", who)

    def _address(self, source: Source) -> str:
        return credentials.digest("failed log-ins of an address", source.address)


class SignUps:
    """Sign-ups; `limit` accounts an hour for each address, 0: no limit."""

    def __init__(self, db: Session, limit: int, clock: Callable[[], float] = time.time) -> None:
        self.limit, self._counts = limit, Counts(db, clock)

    def attempt(self, address: str) -> None:
        """Count that `address` asks for an account, whatever comes of it.

        Raises RefusedError with how long to wait when it has got, or asked for, too many; waiting
        is not prolonged by asking again.
        """
        self._require(address)
        self._add(_asked(address), self.limit * ATTEMPTS_FACTOR)

    def made(self, address: str) -> None:
        """Count that `address` gets an account. Raises RefusedError like `attempt`: several may
        have been asked for side by side.
        """
        self._require(address)
        self._add(_got(address), self.limit)

    def wait(self, address: str) -> float:
        """Seconds until `address` may ask for one more; 0 when it may now."""
        if not self.limit:
            return 0.0
        asked = self._until(_asked(address), self.limit * ATTEMPTS_FACTOR)
        return max(self._until(_got(address), self.limit), asked)

    def _until(self, key: str, most: int) -> float:
        leak = HOUR / most
        return max(0.0, (self._counts.level(key, leak) + 1 - most) * leak)

    def _add(self, key: str, most: int) -> None:
        if self.limit:
            self._counts.add(key, HOUR / most)
            self._counts.commit()

    def _require(self, address: str) -> None:
        if wait := self.wait(address):
            minutes = math.ceil(wait / 60)
            raise RefusedError(
                "Too many accounts were asked for from where you are. Please try again in "
                f"{minutes} minute{'' if minutes == 1 else 's'}, or ask an administrator.",
                HTTPStatus.TOO_MANY_REQUESTS,
                math.ceil(wait),
            )


def _got(address: str) -> str:
    return credentials.digest("sign-ups of an address", address)


def _asked(address: str) -> str:
    return credentials.digest("sign-ups that an address asked for", address)
