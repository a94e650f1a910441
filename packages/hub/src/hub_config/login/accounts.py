"""The accounts: whose they are, password, whether approved, disabled, or asked for something.

Name, password and approval are NativeAuthenticator's table `users_info`, so that its databases can
be taken over; what it does not know is in a table of the platform's own beside it. An account
belongs to a user of JupyterHub by that user's id, and is called what the user is called: a rename
changes nothing here. Until somebody is let in there is no user, and the name is the one asked for.
"""

import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from jupyterhub import orm
from nativeauthenticator.orm import UserInfo
from sqlalchemy import Row, Select, String, delete, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from hub_config.database import Base


class AccountError(ValueError):
    """A name, password or code that cannot be taken, or a change that makes no sense."""


class UnknownAccountError(LookupError):
    """There is no account of that name."""


class AccountRow(Base):
    """What the platform keeps about an account beyond name, password and approval.

    `key` names it for ever, in tables and in what is sealed or digested; of NativeAuthenticator's
    it is the name they had then. `address` is where somebody who waits signed up.
    """

    __tablename__ = "platform_accounts"
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    info_id: Mapped[int] = mapped_column(unique=True)
    user_id: Mapped[int | None] = mapped_column(unique=True)
    made: Mapped[float]
    must_change: Mapped[bool] = mapped_column(default=False)
    disabled: Mapped[bool] = mapped_column(default=False)
    wants_second_factor: Mapped[bool] = mapped_column(default=False)
    first_admin: Mapped[bool] = mapped_column(default=False)
    address: Mapped[str] = mapped_column(String(64), default="")
    full_name: Mapped[str] = mapped_column(String(200), default="")


class State(StrEnum):
    """Whether one may log in."""

    WAITING = "waiting"
    ACTIVE = "active"
    DISABLED = "disabled"


@dataclass(frozen=True)
class Account:
    """An account as it is in the database right now, or one to be made, which has no key yet.
    `password` is hashed, `made` is 0 where nobody knows.
    """

    name: str
    password: bytes
    state: State = State.WAITING
    key: str = ""
    made: float = 0.0
    email: str = ""
    must_change: bool = False
    wants_second_factor: bool = False
    first_admin: bool = False
    address: str = ""
    full_name: str = ""


_KEPT = ("must_change", "wants_second_factor", "first_admin", "address", "full_name")
"""What is in `AccountRow` as it is."""


class Accounts:
    """The accounts in the hub's database. Methods that change one raise UnknownAccountError."""

    def __init__(self, db: Session) -> None:
        self.db = db

    def find(self, name: str) -> Account | None:
        """The account of the user `name`, or of whoever waits by that name; None without one."""
        found = self._found(name)
        return None if found is None else _account(found)

    def get(self, name: str) -> Account:
        """The account `name`; raises UnknownAccountError."""
        return _account(self._get(name))

    def by_key(self, key: str) -> Account | None:
        """The account that was given this key."""
        found = self.db.execute(_rows().where(AccountRow.key == key)).first()
        return None if found is None else _account(found)

    def all(self) -> list[Account]:
        """All accounts by name."""
        return sorted(map(_account, self.db.execute(_rows())), key=lambda account: account.name)

    def names(self) -> set[str]:
        """The names of all accounts."""
        return {account.name for account in self.all()}

    def waiting(self) -> int:
        """How many wait for approval."""
        query = (
            select(func.count()).select_from(UserInfo).where(UserInfo.is_authorized.is_not(True))
        )
        return self.db.scalar(query) or 0

    def add(self, *people: Account) -> None:
        """Make accounts, all or none. Raises AccountError when a name is taken."""
        for new in people:
            if self.find(new.name) is not None:
                self.db.rollback()
                raise AccountError("This user name is already in use. Please choose another one.")
            info = UserInfo(
                username=new.name,
                password=new.password,
                is_authorized=new.state is State.ACTIVE,
                email=new.email or None,
            )
            info.otp_secret = None  # it makes one for everybody, in the clear; ours are sealed
            self.db.add(info)
            self.db.flush()
            self.db.add(
                AccountRow(
                    key=secrets.token_hex(8),
                    info_id=info.id,
                    user_id=self._user_id(new.name),
                    made=time.time(),
                    **{name: getattr(new, name) for name in _KEPT},
                )
            )
            self.db.flush()
        self.db.commit()

    def approve(self, name: str) -> None:
        """Let somebody in who waits; where they signed up is forgotten."""
        found = self._get(name)
        found.UserInfo.is_authorized, found.AccountRow.address = True, ""
        self.db.commit()

    def remove(self, name: str) -> None:
        """Forget the account."""
        found = self._get(name)
        self.db.delete(found.UserInfo)
        self.db.delete(found.AccountRow)
        self.db.commit()

    def set_password(self, name: str, password: bytes, *, must_change: bool) -> None:
        """Store another hashed password."""
        found = self._get(name)
        found.UserInfo.password, found.AccountRow.must_change = password, must_change
        self.db.commit()

    def store_hash(self, account: Account, password: bytes) -> None:
        """Store the same password hashed anew, unless it is another one by now."""
        whose = select(AccountRow.info_id).where(AccountRow.key == account.key).scalar_subquery()
        same = (UserInfo.id == whose, UserInfo.password == account.password)
        self.db.execute(update(UserInfo).where(*same).values(password=password))
        self.db.commit()

    def set_disabled(self, name: str, disabled: bool) -> None:
        """Keep the account from logging in, or let it again."""
        self._get(name).AccountRow.disabled = disabled
        self.db.commit()

    def second_factor_was_set_up(self, name: str) -> None:
        """The wish that somebody had when signing up is fulfilled."""
        self._get(name).AccountRow.wants_second_factor = False
        self.db.commit()

    # -- whose they are ------------------------------------------------------------------------

    def belongs_to(self, user: Any) -> None:
        """The account of this user's name is theirs from now on, whatever they are called later."""
        found = self._found(user.name)
        if found is not None:
            found.AccountRow.user_id, found.UserInfo.username = user.id, user.name
            self.db.commit()

    def adopt(self) -> None:
        """Take over what others have made or left, at the hub's start.

        NativeAuthenticator's accounts get their rows. An account whose user is gone belongs to
        nobody: ids of deleted users are given out again.
        """
        known = select(AccountRow.info_id)
        for info in self.db.scalars(select(UserInfo).where(UserInfo.id.not_in(known))).all():
            key = info.username
            if self.db.get(AccountRow, key) is not None:
                key = secrets.token_hex(8)
            self.db.add(AccountRow(key=key, info_id=info.id, made=0.0))
            self.db.flush()
        self.db.execute(delete(AccountRow).where(AccountRow.info_id.not_in(select(UserInfo.id))))
        gone = AccountRow.user_id.not_in(select(orm.User.id))
        for row in self.db.scalars(select(AccountRow).where(gone)):
            row.user_id = None
        self.db.commit()

    def _found(self, name: str) -> Row[Any] | None:
        return next(self._candidates(name), None)

    def _candidates(self, name: str) -> Iterator[Row[Any]]:
        """The user's own account comes before one that only has the same name."""
        user_id = self._user_id(name)
        if user_id is not None:
            yield from self.db.execute(_rows().where(AccountRow.user_id == user_id))
        nobodys = _rows().where(UserInfo.username == name, AccountRow.user_id.is_(None))
        yield from self.db.execute(nobodys.order_by(UserInfo.id))

    def _get(self, name: str) -> Row[Any]:
        found = self._found(name)
        if found is None:
            raise UnknownAccountError(name)
        return found

    def _user_id(self, name: str) -> int | None:
        return self.db.scalar(select(orm.User.id).where(orm.User.name == name))


def _rows() -> Select[Any]:
    joined = select(UserInfo, AccountRow, orm.User.name)
    joined = joined.join(AccountRow, AccountRow.info_id == UserInfo.id)
    return joined.outerjoin(orm.User, orm.User.id == AccountRow.user_id)


def _account(found: Row[Any]) -> Account:
    info, row, user = found.UserInfo, found.AccountRow, found.name
    active = State.ACTIVE if info.is_authorized else State.WAITING
    return Account(
        key=row.key,
        name=user or info.username,
        password=info.password,
        state=State.DISABLED if row.disabled else active,
        made=row.made,
        email=info.email or "",
        **{name: getattr(row, name) for name in _KEPT},
    )
