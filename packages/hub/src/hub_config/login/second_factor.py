"""The second factor: codes of an authenticator app (TOTP, RFC 6238), or of a list for its loss.

The app's secret is sealed in the database. A code works once: the counter of the last one taken
is kept, and only later ones are taken (RFC 6238, section 5.2). One step of drift is allowed.
"""

import hmac
import time
from collections.abc import Callable
from enum import StrEnum

import pyotp
import segno
from nativeauthenticator.orm import UserInfo
from sqlalchemy import Boolean, Integer, LargeBinary, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from hub_config.login import recovery_codes, vault
from hub_config.store import Base

STEP = 30
"""Seconds for which a code is shown."""

DRIFT = 1


class Policy(StrEnum):
    """Who has a second factor (`JHUB_SECOND_FACTOR`)."""

    OFF = "off"
    OPTIONAL = "optional"
    ADMINS = "admins"
    EVERYONE = "everyone"

    def requires(self, *, admin: bool) -> bool:
        """Whether somebody cannot do without."""
        return self is Policy.EVERYONE or (self is Policy.ADMINS and admin)


class _Codes(pyotp.HOTP):
    """Ours have 160 bits; NativeAuthenticator's, which are taken over, had 80."""

    min_secret_length_bits = 80


class SecondFactorRow(Base):
    """Somebody's app; not `confirmed` until it gave a right code."""

    __tablename__ = "platform_second_factors"
    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    confirmed: Mapped[bool] = mapped_column(Boolean)
    last_counter: Mapped[int] = mapped_column(Integer)


def counter_of(secret: str, code: str, now: float, last: int) -> int | None:
    """The counter that `code` belongs to, None for a wrong one or one up to `last`."""
    if not (code.isascii() and code.isdigit()):
        return None
    current = int(now) // STEP
    found = None
    for counter in range(current - DRIFT, current + DRIFT + 1):
        right = hmac.compare_digest(_Codes(secret).at(counter), code)
        if right and counter > last:
            found = counter
    return found


def qr_code(uri: str) -> str:
    """The QR code of `uri` as an SVG element of a page."""
    code = segno.make(uri, error="m")
    return str(code.svg_inline(scale=5, border=4, dark="#000", light="#fff", title="QR code"))


class SecondFactors:
    """The second factors in the hub's database."""

    def __init__(self, db: Session, issuer: str, clock: Callable[[], float] = time.time) -> None:
        """`issuer` is what the app shows beside the name."""
        self.db, self.issuer, self._clock = db, issuer, clock

    def active(self, name: str) -> bool:
        """Whether somebody has one that was confirmed."""
        row = self.db.get(SecondFactorRow, name)
        return row is not None and row.confirmed

    def names(self) -> set[str]:
        """Everybody who has one."""
        query = select(SecondFactorRow.name).where(SecondFactorRow.confirmed)
        return set(self.db.scalars(query))

    def begin(self, name: str) -> str:
        """Make a secret that waits for its first code; returns the address of the QR code.

        One that works is not touched: raises ValueError.
        """
        if self.active(name):
            raise ValueError("You have a second factor already. Remove it before you add another.")
        secret = pyotp.random_base32()
        self._store(name, secret, confirmed=False)
        return self._uri(name, secret)

    def begun(self, name: str) -> str | None:
        """The address of the QR code of a secret that waits, None when there is none."""
        row = self.db.get(SecondFactorRow, name)
        if row is None or row.confirmed:
            return None
        secret = _secret(row)
        return self._uri(name, secret) if secret else None

    def confirm(self, name: str, code: str) -> list[str] | None:
        """Make the secret that waits the second factor.

        Returns the recovery codes, which cannot be read again; None when the code is wrong.
        """
        row = self.db.get(SecondFactorRow, name)
        if row is None or row.confirmed or not self._take(row, code):
            return None
        row.confirmed = True
        self.db.commit()
        return recovery_codes.renew(self.db, name)

    def check(self, name: str, code: str) -> bool:
        """Whether `code` lets somebody in; it is used up by that."""
        row = self.db.get(SecondFactorRow, name)
        if row is None or not row.confirmed:
            return False
        if self._take(row, code.replace(" ", "")):
            self.db.commit()
            return True
        return recovery_codes.use(self.db, name, code)

    def remove(self, name: str) -> None:
        """Forget secret and recovery codes."""
        row = self.db.get(SecondFactorRow, name)
        if row is not None:
            self.db.delete(row)
        recovery_codes.forget(self.db, name)
        self.db.commit()

    def take_over(self) -> int:
        """Move NativeAuthenticator's secrets, which are in the clear, here; returns how many."""
        moved = 0
        for info in self.db.scalars(select(UserInfo).where(UserInfo.otp_secret.is_not(None))):
            if info.has_2fa and self.db.get(SecondFactorRow, info.username) is None:
                self._store(info.username, info.otp_secret, confirmed=True)
                moved += 1
            info.otp_secret, info.has_2fa = None, False
        self.db.commit()
        return moved

    def _take(self, row: SecondFactorRow, code: str) -> bool:
        secret = _secret(row)
        if secret is None:
            return False
        counter = counter_of(secret, code.replace(" ", ""), self._clock(), row.last_counter)
        if counter is None:
            return False
        row.last_counter = counter
        return True

    def _store(self, name: str, secret: str, *, confirmed: bool) -> None:
        sealed = vault.seal({"name": name, "secret": secret})
        self.db.merge(
            SecondFactorRow(name=name, sealed=sealed, confirmed=confirmed, last_counter=0)
        )
        self.db.commit()

    def _uri(self, name: str, secret: str) -> str:
        return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=self.issuer)


def _secret(row: SecondFactorRow) -> str | None:
    """The secret of a row; None if the key is gone or the row was made for somebody else."""
    value = vault.unseal(row.sealed)
    return str(value["secret"]) if value and value["name"] == row.name else None
