"""The second factor: codes of an authenticator app (TOTP, RFC 6238), or of a list for its loss.

The app's secret is sealed in the database. A code works once: the counters of those taken are kept,
and only later ones than the last are taken (RFC 6238, section 5.2), unless the clock was set back
since. One step of drift is allowed. Accounts are named by their key here.
"""

import hmac
import time
from collections.abc import Callable, Collection
from enum import StrEnum

import pyotp
import segno
from nativeauthenticator.orm import UserInfo
from sqlalchemy import String, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from hub_config.database import Base
from hub_config.login import credentials
from hub_config.login.accounts import AccountRow

STEP = 30
"""Seconds for which a code is shown."""

DRIFT = 1

USED_KEPT = 31 * 86400 // STEP
"""For so many steps a code that was taken is known: as far as a clock may be set back."""


RECOVERY_CODES = 10
"""Codes on paper for the day the app is lost: shown once, each works once. Only keyed digests are
stored; a code has 59 random bits, so that nothing slower is needed."""


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
    account: Mapped[str] = mapped_column(String(255), primary_key=True)
    sealed: Mapped[bytes]
    confirmed: Mapped[bool]
    last_counter: Mapped[int]


class RecoveryCodeRow(Base):
    """One unused code."""

    __tablename__ = "platform_recovery_codes"
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    account: Mapped[str] = mapped_column(String(255), index=True)


class UsedCodeRow(Base):
    """A code that was taken, by its counter."""

    __tablename__ = "platform_used_codes"
    account: Mapped[str] = mapped_column(String(255), primary_key=True)
    counter: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


def counter_of(
    secret: str, code: str, now: float, last: int, used: Collection[int] = ()
) -> int | None:
    """The counter that `code` belongs to, None for a wrong one, one in `used`, or one up to `last`.

    A `last` in the future is from before the clock was set back: earlier ones are taken then.
    """
    if not (code.isascii() and code.isdigit()):
        return None
    current = int(now) // STEP
    earliest = last + 1 if last <= current + DRIFT else 0
    found = None
    for counter in range(current - DRIFT, current + DRIFT + 1):
        right = hmac.compare_digest(_Codes(secret).at(counter), code)
        if right and counter >= earliest and counter not in used:
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

    def active(self, account: str) -> bool:
        """Whether somebody has one that was confirmed."""
        row = self.db.get(SecondFactorRow, account)
        return row is not None and row.confirmed

    def owners(self) -> set[str]:
        """The accounts of everybody who has one."""
        query = select(SecondFactorRow.account).where(SecondFactorRow.confirmed)
        return set(self.db.scalars(query))

    def begin(self, account: str) -> None:
        """Make a secret that waits for its first code. Raises ValueError where one works."""
        if self.active(account):
            raise ValueError("You have a second factor already. Remove it before you add another.")
        self.store(account, pyotp.random_base32(), confirmed=False)

    def begun(self, account: str, name: str) -> str | None:
        """The address of a waiting secret's QR code, shown as `name`'s; None where none waits."""
        row = self.db.get(SecondFactorRow, account)
        if row is None or row.confirmed:
            return None
        secret = _secret(row)
        if secret is None:
            return None
        return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=self.issuer)

    def confirm(self, account: str, code: str) -> list[str] | None:
        """Make the secret that waits the second factor.

        Returns the recovery codes, which cannot be read again; None when the code is wrong.
        """
        row = self.db.get(SecondFactorRow, account)
        if row is None or row.confirmed or not self._take(row, code):
            return None
        row.confirmed = True
        self.db.commit()
        return renew_recovery_codes(self.db, account)

    def check(self, account: str, code: str) -> bool:
        """Whether `code` lets somebody in; it is used up by that."""
        row = self.db.get(SecondFactorRow, account)
        if row is None or not row.confirmed:
            return False
        if self._take(row, code.replace(" ", "")):
            self.db.commit()
            return True
        return use_recovery_code(self.db, account, code)

    def remove(self, account: str) -> None:
        """Forget secret and recovery codes."""
        for table in (SecondFactorRow, UsedCodeRow, RecoveryCodeRow):
            self.db.execute(delete(table).where(table.account == account))
        self.db.commit()

    def take_over(self) -> int:
        """Move NativeAuthenticator's secrets, which are in the clear, here; returns how many."""
        moved = 0
        infos = select(UserInfo, AccountRow.key).join(AccountRow, AccountRow.info_id == UserInfo.id)
        for info, account in self.db.execute(infos.where(UserInfo.otp_secret.is_not(None))).all():
            if info.has_2fa and self.db.get(SecondFactorRow, account) is None:
                self.store(account, info.otp_secret, confirmed=True)
                moved += 1
            info.otp_secret, info.has_2fa = None, False
        self.db.commit()
        return moved

    def store(self, account: str, secret: str, *, confirmed: bool) -> None:
        """Seal a secret in place of the one there was."""
        self.remove(account)
        sealed = credentials.seal({"name": account, "secret": secret})
        self.db.add(
            SecondFactorRow(account=account, sealed=sealed, confirmed=confirmed, last_counter=0)
        )
        self.db.commit()

    def _take(self, row: SecondFactorRow, code: str) -> bool:
        secret = _secret(row)
        if secret is None:
            return False
        mine = UsedCodeRow.account == row.account
        used = {row.last_counter, *self.db.scalars(select(UsedCodeRow.counter).where(mine))}
        bare = code.replace(" ", "")
        counter = counter_of(secret, bare, self._clock(), row.last_counter, used)
        if counter is None:
            return False
        row.last_counter = counter
        self.db.add(UsedCodeRow(account=row.account, counter=counter))
        self.db.execute(delete(UsedCodeRow).where(mine, UsedCodeRow.counter < counter - USED_KEPT))
        return True


def _secret(row: SecondFactorRow) -> str | None:
    """The secret of a row; None if the key is gone or the row was made for somebody else."""
    value = credentials.unseal(row.sealed)
    return str(value["secret"]) if value and value["name"] == row.account else None


def renew_recovery_codes(db: Session, account: str) -> list[str]:
    """Make new codes in place of the old ones; this is the only time they can be read."""
    db.execute(delete(RecoveryCodeRow).where(RecoveryCodeRow.account == account))
    codes = [credentials.readable(3) for _ in range(RECOVERY_CODES)]
    db.add_all(
        RecoveryCodeRow(digest=_digests(account, code)[0], account=account) for code in codes
    )
    db.commit()
    return codes


def use_recovery_code(db: Session, account: str, code: str) -> bool:
    """Whether `code` is an unused one of this person; it is used up by that."""
    query = (
        delete(RecoveryCodeRow)
        .where(
            RecoveryCodeRow.digest.in_(_digests(account, code)), RecoveryCodeRow.account == account
        )
        .returning(RecoveryCodeRow.digest)
    )
    used = db.scalar(query) is not None
    db.commit()
    return used


def recovery_codes_left(db: Session, account: str) -> int:
    """How many unused codes somebody has."""
    query = (
        select(func.count()).select_from(RecoveryCodeRow).where(RecoveryCodeRow.account == account)
    )
    return db.scalar(query) or 0


def _digests(account: str, code: str) -> list[str]:
    bare = "".join(sign for sign in code.lower() if sign.isalnum())
    return credentials.digests("recovery code", account, bare)
