"""The first admin: made at first start with a random password that works until it is changed.

Nobody can claim the account by signing up, since it exists before anybody can. If `JHUB_ADMIN_USER`
is later set to a name that somebody signed up under, that person does not become an admin by it.
The password is in a file only the hub's user can read; it is there as long as the password works.
"""

import secrets
from enum import Enum, auto
from pathlib import Path

from jupyterhub import orm
from sqlalchemy.orm import Session

from hub_config.first_start import read_secret, write_secret
from hub_config.login.accounts import AccountRow, Accounts
from hub_config.login.hashing import hash_now


class Seeding(Enum):
    """What was done about the first admin at this start."""

    MADE = auto()
    THERE = auto()
    SOMEBODY_ELSES = auto()


def seed(db: Session, name: str, password_file: Path) -> Seeding:
    """Make the account `name` unless it exists.

    The file is written first: if the hub dies in between, the next start makes both anew.
    """
    accounts = Accounts(db)
    account = accounts.find(name)
    if account is None:
        password = random_password()
        write_secret(password_file, password)
        hashed = hash_now(password)
        accounts.add(name, hashed, approved=True, must_change=True, first_admin=True)
        return Seeding.MADE
    user = orm.User.find(db, name)
    if account.first_admin or (user is not None and user.admin):
        return Seeding.THERE
    return Seeding.SOMEBODY_ELSES


def keep_one_time_password(db: Session, name: str, password_file: Path) -> None:
    """A database from before accounts knew that they must change: the file said so."""
    if password_file.exists() and db.get(AccountRow, name) is None:
        account = Accounts(db).find(name)
        if account is not None:
            row = AccountRow(name=name, made=0.0, must_change=True, first_admin=True)
            db.merge(row)
            db.commit()


def random_password() -> str:
    """A password nobody guesses, for one use."""
    return secrets.token_urlsafe(12)


def one_time_password(password_file: Path) -> str | None:
    """The one-time password, None once it was changed."""
    try:
        return read_secret(password_file)
    except FileNotFoundError:
        return None


def forget(password_file: Path) -> None:
    """The password was changed: the one in the file opens nothing any more."""
    password_file.unlink(missing_ok=True)
