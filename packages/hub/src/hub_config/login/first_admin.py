"""The first admin: made at first start with a random password that works until it is changed.

Nobody can claim the account by signing up, since it exists before anybody can. If `JHUB_ADMIN_USER`
is later set to a name that somebody signed up under, that person does not become an admin by it.
The password is in a file only the hub's user can read; it is there as long as the password works.
When the only admin lost password or second factor, the operator's way in is `reset_admin`.
"""

import sys
from enum import Enum, auto
from pathlib import Path

from jupyterhub import orm
from jupyterhub.crypto import CryptKeeper
from sqlalchemy.orm import Session

from hub_config import store
from hub_config.errors import SettingsError
from hub_config.first_start import Places, read_secret, write_secret
from hub_config.login import passwords, sessions
from hub_config.login.accounts import Accounts, NewAccount
from hub_config.login.second_factor import SecondFactors
from hub_config.login.throttling import FailedLogins, Limits
from hub_config.settings import Settings

NOT_STARTED = 4


class Seeding(Enum):
    """What was done about the first admin at this start."""

    MADE = auto()
    THERE = auto()
    SOMEBODY_ELSES = auto()


def seed(db: Session, name: str, password_file: Path) -> Seeding:
    """Make the account `name` unless it exists; what others left is taken over before.

    A database from before accounts knew that they must change their password has its file only. The
    file is written first: if the hub dies in between, the next start makes both anew.
    """
    accounts = Accounts(db)
    accounts.adopt(first_admin=name if password_file.exists() else "")
    account = accounts.find(name)
    if account is None:
        password = passwords.one_time()
        write_secret(password_file, password)
        hashed = passwords.hash_now(password)
        accounts.add(NewAccount(name, hashed, approved=True, must_change=True, first_admin=True))
        return Seeding.MADE
    user = orm.User.find(db, name)
    if account.first_admin or (user is not None and user.admin):
        return Seeding.THERE
    return Seeding.SOMEBODY_ELSES


def forget(password_file: Path) -> None:
    """The password was changed: the one in the file opens nothing any more."""
    password_file.unlink(missing_ok=True)


def reset_admin(settings: Settings, places: Places) -> int:
    """Print a new one-time password; returns the exit code.

    Whoever can run a program in the hub's container can read its database anyway. A running hub
    sees the change with the next request: cookies and tokens are looked up there each time.
    """
    if (db := database(settings, places)) is None:
        print("The hub has not started yet, so there is no admin.", file=sys.stderr)
        return NOT_STARTED
    name, password = settings.admin_user, passwords.one_time()
    accounts = Accounts(db)
    account = accounts.find(name)
    if account is None:
        print(
            f"There is no account {name}; the hub makes it when it starts (JHUB_ADMIN_USER).",
            file=sys.stderr,
        )
        return NOT_STARTED
    write_secret(places.admin_password, password)
    accounts.set_password(name, passwords.hash_now(password), must_change=True)
    accounts.set_disabled(name, False)
    SecondFactors(db, settings.platform).remove(account.key)
    FailedLogins(db, Limits(1, 1)).forget(account.key)
    if (user := orm.User.find(db, name)) is not None:
        sessions.revoke(db, user)
    print(password)
    return 0


def database(settings: Settings, places: Places) -> Session | None:
    """The hub's database as a command beside the hub uses it; None before its first start.

    Raises SettingsError where people and their accounts are another service's.
    """
    if settings.authenticator != "native":
        raise SettingsError(
            f"JHUB_AUTHENTICATOR is {settings.authenticator!r}: accounts are that service's "
            "business, there are none here"
        )
    if not (places.data / "jupyterhub.sqlite").exists():
        return None
    CryptKeeper.instance(keys=[bytes.fromhex(read_secret(places.crypt_key))])
    db: Session = orm.new_session_factory(places.database)()
    store.prepare(db)
    Accounts(db).adopt(first_admin=settings.admin_user * places.admin_password.exists())
    return db
