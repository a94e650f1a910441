"""How many accounts one address may sign up for, so that nobody fills an admin's list of people.

A count for each address that leaks away with time, in the table of failed log-ins, so that a
restart of the hub forgets nothing. A class behind one address may sign up at once; a program that
goes on and on may not.
"""

import math
import time
from collections.abc import Callable
from http import HTTPStatus

from sqlalchemy import delete
from sqlalchemy.orm import Session

from hub_config.login import vault
from hub_config.login.errors import RefusedError
from hub_config.login.failed_logins import FailedLoginRow, leaked

HOUR = 3600.0


class SignUps:
    """The counts in the hub's database; `limit` accounts an hour for each address, 0: no limit."""

    def __init__(self, db: Session, limit: int, clock: Callable[[], float] = time.time) -> None:
        self.db, self.limit, self._clock = db, limit, clock

    def require_room(self, address: str) -> None:
        """Raise RefusedError with how long to wait when `address` has asked for too many."""
        wait = self.wait(address)
        if wait:
            minutes = math.ceil(wait / 60)
            raise RefusedError(
                "Too many accounts were asked for from where you are. Please try again in "
                f"{minutes} minute{'' if minutes == 1 else 's'}, or ask an administrator.",
                HTTPStatus.TOO_MANY_REQUESTS,
                math.ceil(wait),
            )

    def wait(self, address: str) -> float:
        """Seconds until `address` may sign up for one more; 0 when it may now."""
        if not self.limit:
            return 0.0
        over = self._level(_key(address)) + 1 - self.limit
        return max(0.0, over * self._leak)

    def count(self, address: str) -> None:
        """An account was made from `address`."""
        if not self.limit:
            return
        key, now = _key(address), self._clock()
        level = self._level(key) + 1
        forgiven = now + level * self._leak
        self.db.merge(FailedLoginRow(key=key, about="", level=level, at=now, forgiven=forgiven))
        self.db.execute(delete(FailedLoginRow).where(FailedLoginRow.forgiven < now))
        self.db.commit()

    @property
    def _leak(self) -> float:
        """Seconds after which one account is forgotten."""
        return HOUR / self.limit

    def _level(self, key: str) -> float:
        row = self.db.get(FailedLoginRow, key)
        return leaked(row.level, self._clock() - row.at, self._leak) if row else 0.0


def _key(address: str) -> str:
    return vault.digest("sign-ups of an address", address)
