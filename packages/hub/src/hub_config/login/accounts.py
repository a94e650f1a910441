"""The accounts: name, password, whether approved, disabled, or asked to do something at log-in.

Name, password and approval are NativeAuthenticator's table `users_info`, so that its databases can
be taken over; what it does not know is in a table of the platform's own beside it.
"""

import time
from dataclasses import dataclass
from enum import StrEnum

from nativeauthenticator.orm import UserInfo
from sqlalchemy import Boolean, Float, String, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from hub_config.login.errors import AccountError, UnknownAccountError
from hub_config.store import Base


class AccountRow(Base):
    """What the platform keeps about an account beyond name, password and approval."""

    __tablename__ = "platform_accounts"
    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    made: Mapped[float] = mapped_column(Float, default=time.time)
    must_change: Mapped[bool] = mapped_column(Boolean, default=False)
    disabled: Mapped[bool] = mapped_column(Boolean, default=False)
    wants_second_factor: Mapped[bool] = mapped_column(Boolean, default=False)
    first_admin: Mapped[bool] = mapped_column(Boolean, default=False)


class State(StrEnum):
    """Whether one may log in."""

    WAITING = "waiting"
    ACTIVE = "active"
    DISABLED = "disabled"


@dataclass(frozen=True)
class Account:
    """An account as it is in the database right now."""

    name: str
    password: bytes
    state: State
    made: float
    must_change: bool
    wants_second_factor: bool
    first_admin: bool


class Accounts:
    """The accounts in the hub's database. Methods that change one raise UnknownAccountError."""

    def __init__(self, db: Session) -> None:
        self.db = db

    def find(self, name: str) -> Account | None:
        """The account `name`, None when there is none."""
        info = UserInfo.find(self.db, name)
        return None if info is None else _account(info, self.db.get(AccountRow, name))

    def get(self, name: str) -> Account:
        """The account `name`; raises UnknownAccountError."""
        account = self.find(name)
        if account is None:
            raise UnknownAccountError(name)
        return account

    def all(self) -> list[Account]:
        """All accounts by name."""
        rows = {row.name: row for row in self.db.scalars(select(AccountRow))}
        infos = self.db.scalars(select(UserInfo).order_by(UserInfo.username))
        return [_account(info, rows.get(info.username)) for info in infos]

    def names(self) -> set[str]:
        """The names of all accounts."""
        return set(self.db.scalars(select(UserInfo.username)))

    def waiting(self) -> int:
        """How many wait for approval."""
        query = (
            select(func.count()).select_from(UserInfo).where(UserInfo.is_authorized.is_not(True))
        )
        return self.db.scalar(query) or 0

    def add(
        self,
        name: str,
        password: bytes,
        *,
        approved: bool = False,
        must_change: bool = False,
        wants_second_factor: bool = False,
        first_admin: bool = False,
    ) -> Account:
        """Make an account with a hashed password. Raises AccountError when the name is taken."""
        if self.find(name) is not None:
            raise AccountError("This user name is already in use. Please choose another one.")
        info = UserInfo(username=name, password=password, is_authorized=approved)
        info.otp_secret = None  # it makes one for everybody, in the clear; ours are sealed
        self.db.add(info)
        self.db.merge(
            AccountRow(
                name=name,
                made=time.time(),
                must_change=must_change,
                disabled=False,
                wants_second_factor=wants_second_factor,
                first_admin=first_admin,
            )
        )
        self.db.commit()
        return self.get(name)

    def approve(self, name: str) -> None:
        """Let somebody in who waits."""
        self._info(name).is_authorized = True
        self.db.commit()

    def remove(self, name: str) -> None:
        """Forget the account."""
        self.db.delete(self._info(name))
        row = self.db.get(AccountRow, name)
        if row is not None:
            self.db.delete(row)
        self.db.commit()

    def set_password(self, name: str, password: bytes, *, must_change: bool) -> None:
        """Store another hashed password."""
        self._info(name).password = password
        self._row(name).must_change = must_change
        self.db.commit()

    def store_hash(self, name: str, password: bytes) -> None:
        """Store the same password hashed anew."""
        self._info(name).password = password
        self.db.commit()

    def set_disabled(self, name: str, disabled: bool) -> None:
        """Keep the account from logging in, or let it again."""
        self._row(name).disabled = disabled
        self.db.commit()

    def second_factor_was_set_up(self, name: str) -> None:
        """The wish that somebody had when signing up is fulfilled."""
        self._row(name).wants_second_factor = False
        self.db.commit()

    def _info(self, name: str) -> UserInfo:
        info = UserInfo.find(self.db, name)
        if info is None:
            raise UnknownAccountError(name)
        return info

    def _row(self, name: str) -> AccountRow:
        self._info(name)
        return self.db.get(AccountRow, name) or self.db.merge(
            AccountRow(
                name=name,
                made=0.0,
                must_change=False,
                disabled=False,
                wants_second_factor=False,
                first_admin=False,
            )
        )


def _account(info: UserInfo, row: AccountRow | None) -> Account:
    disabled = row is not None and row.disabled
    active = State.ACTIVE if info.is_authorized else State.WAITING
    return Account(
        name=info.username,
        password=info.password,
        state=State.DISABLED if disabled else active,
        made=row.made if row else 0.0,
        must_change=row is not None and row.must_change,
        wants_second_factor=row is not None and row.wants_second_factor,
        first_admin=row is not None and row.first_admin,
    )
