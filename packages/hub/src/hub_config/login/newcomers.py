"""Accounts that are made: the first admin's, of somebody who signs up, or of many people at once.

The first admin is made at first start with a random password that works until it is changed. Nobody
can claim that account by signing up, since it exists before anybody can. If `JHUB_ADMIN_USER` is
later set to a name that somebody signed up under, that person does not become an admin by it. The
password is in a file only the hub's user can read; it is there as long as the password works. When
the only admin lost password or second factor, the operator's way in is `reset_admin`.

A list of people is a line for each: a user name and, if one likes, an e-mail address. Everybody on
it gets a one-time password; it is made of all its lines or, when one of them is bad, of none.
"""

import asyncio
import csv
import io
import json
import logging
import re
import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from jupyterhub import orm
from jupyterhub.crypto import CryptKeeper
from sqlalchemy import select
from sqlalchemy.orm import Session

from hub_config import SettingsError, database
from hub_config.first_start import Places, read_all, write_secret
from hub_config.login import credentials, sessions
from hub_config.login.accounts import Account, AccountError, Accounts, State
from hub_config.login.second_factor import SecondFactorRow, SecondFactors
from hub_config.login.throttling import FailedLogins, Limits
from hub_config.settings import Settings

NOT_STARTED = 4

log = logging.getLogger(__name__)


def seed_first_admin(db: Session, name: str, password_file: Path) -> bool:
    """Make the account `name` unless it exists; returns whether it is the admin's, not somebody
    else's who signed up for it. What others left is taken over before.

    The file is written first: if the hub dies in between, the next start makes both anew.
    """
    accounts = Accounts(db)
    accounts.adopt()
    account = accounts.find(name)
    if account is None:
        password = credentials.one_time()
        write_secret(password_file, password)
        hashed = credentials.hash_now(password)
        accounts.add(Account(name, hashed, State.ACTIVE, must_change=True, first_admin=True))
        log.info("Made the account %s with a one-time password", name)
    user = orm.User.find(db, name)
    return account is None or account.first_admin or (user is not None and bool(user.admin))


def reset_admin(settings: Settings, places: Places) -> int:
    """Print a new one-time password; returns the exit code.

    Whoever can run a program in the hub's container can read its database anyway. A running hub
    sees the change with the next request: cookies and tokens are looked up there each time.
    """
    if (db := open_database(settings, places)) is None:
        print("The hub has not started yet, so there is no admin.", file=sys.stderr)
        return NOT_STARTED
    name, password = settings.admin_user, credentials.one_time()
    accounts = Accounts(db)
    account = accounts.find(name)
    if account is None:
        print(
            f"There is no account {name}; the hub makes it when it starts (JHUB_ADMIN_USER).",
            file=sys.stderr,
        )
        return NOT_STARTED
    write_secret(places.admin_password, password)
    accounts.set_password(name, credentials.hash_now(password), must_change=True)
    accounts.set_disabled(name, False)
    SecondFactors(db, settings.platform).remove(account.key)
    FailedLogins(db, Limits(1, 1)).forget(account.key)
    if (user := orm.User.find(db, name)) is not None:
        sessions.revoke(db, user)
    print(password)
    return 0


def read_factors(settings: Settings, places: Places) -> int:
    """Print how many people there are, and how many second factors the key opens, as JSON.

    A backup's drill asks this of the hub that it restored; returns the exit code.
    """
    if (db := open_database(settings, places)) is None:
        print("The hub has not started yet, so there is nothing to read.", file=sys.stderr)
        return NOT_STARTED
    sealed = list(db.scalars(select(SecondFactorRow.sealed)))
    opened = sum(credentials.unseal(one) is not None for one in sealed)
    people = len(db.scalars(select(orm.User.id)).all())
    print(json.dumps({"people": people, "factors": len(sealed), "opened": opened}))
    return 0


def open_database(settings: Settings, places: Places) -> Session | None:
    """The hub's database as a command beside the hub uses it; None before its first start.

    Raises SettingsError where people and their accounts are another service's, DatabaseError for
    one that a newer hub has brought up to date.
    """
    if settings.authenticator != "native":
        raise SettingsError(
            f"JHUB_AUTHENTICATOR is {settings.authenticator!r}: accounts are that service's "
            "business, there are none here"
        )
    if db := open_records(places):
        Accounts(db).adopt()
    return db


def open_records(places: Places) -> Session | None:
    """The same, whosever business accounts are."""
    if not database.is_there(places.records):
        return None
    database.require_known_schema(places.records)
    CryptKeeper.instance(keys=[bytes.fromhex(one) for one in read_all(places.crypt_key)])
    db: Session = orm.new_session_factory(places.database)()
    database.prepare(db)
    return db


MOST = 500
"""People in one list: each costs a hash, and somebody waits for the answer."""

_EMAIL = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+_-]*@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}")
"""What NativeAuthenticator's table takes, less what a table calculator takes for a formula."""


@dataclass(frozen=True)
class SignUp:
    """The form Sign up as somebody at `address` has filled it in."""

    name: str
    password: str
    confirmation: str
    address: str
    wants_second_factor: bool = False
    full_name: str = ""
    email: str = ""


@dataclass(frozen=True)
class Added:
    """Somebody of a list, with the one-time password to hand out."""

    name: str
    email: str
    password: str


class Newcomers:
    """Who may have which name."""

    def __init__(self, accounts: Accounts, admins: Collection[str], pattern: str) -> None:
        """`admins` are named in the settings; names have to match `pattern`."""
        self.accounts, self._admins = accounts, frozenset(admins)
        self._pattern = pattern

    def require_free(self, name: str) -> None:
        """Raise AccountError unless a newcomer may have this name."""
        if wrong := self._complaint(name, self._taken()):
            raise AccountError(wrong)

    async def add(self, text: str) -> list[Added]:
        """Make an account for everybody on the list. Raises AccountError naming each bad line."""
        people = self._read(text)
        made = [Added(name, email, credentials.one_time()) for name, email in people]
        hashes = [await credentials.make_hash(one.password) for one in made]
        self._read(text)  # somebody may have signed up meanwhile
        self.accounts.add(
            *(
                Account(one.name, hashed, State.ACTIVE, email=one.email, must_change=True)
                for one, hashed in zip(made, hashes, strict=True)
            )
        )
        return made

    def _read(self, text: str) -> list[tuple[str, str]]:
        rows = text.removeprefix("\ufeff").splitlines()  # a table calculator's, before all else
        lines = [(number, line.strip()) for number, line in enumerate(rows, 1)]
        lines = [(number, line) for number, line in lines if line]
        if not lines:
            raise AccountError("The list is empty: write a user name on each line.")
        if len(lines) > MOST:
            raise AccountError(f"The list has {len(lines)} people; at most {MOST} at once.")
        taken, people, complaints = self._taken(), [], []
        for number, line in lines:
            name, _, rest = re.sub(r"[\s,;]+", " ", line).partition(" ")
            wrong = self._complaint(name, taken) or email_complaint(rest)
            if wrong:
                complaints.append(f"Line {number}, {line[:80]}: {wrong}")
            taken.add(name)
            people.append((name, rest))
        if complaints:
            raise AccountError("\n".join(["Nobody was added.", *complaints]))
        return people

    def _complaint(self, name: str, taken: credentials.Taken) -> str:
        if name in self._admins:
            return "This user name is already in use. Please choose another one."
        wrong = credentials.name_complaint(name) or taken.complaint(name)
        if not wrong and not re.match(self._pattern, name):
            wrong = f"On this platform a user name has to match {self._pattern}"
        return wrong

    def _taken(self) -> credentials.Taken:
        """Users that an admin made (`POST /users/<name>`) count, too: they may have rights."""
        users = self.accounts.db.execute(select(orm.User.name, orm.User.admin)).all()
        admins = self._admins | {name for name, admin in users if admin}
        return credentials.Taken(self.accounts.names() | {name for name, _ in users}, admins)


def contact_complaint(full_name: str, email: str) -> str:
    """What is wrong with what somebody tells about themselves; empty when nothing is."""
    if not 0 < len(full_name) <= 200 or not full_name.isprintable():
        return "Please write your name, in at most 200 letters."
    return email_complaint(email) if email else "Please write your e-mail address."


def email_complaint(email: str) -> str:
    """What is wrong with an e-mail address that may be left out."""
    if not email or (len(email) <= 128 and _EMAIL.fullmatch(email)):
        return ""
    return "This is no e-mail address; expected is one such as ann@example.org."


def as_csv(people: Collection[Added]) -> str:
    """The list to hand out, a header first."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["user name", "e-mail", "one-time password"])
    writer.writerows((one.name, one.email, one.password) for one in people)
    return file.getvalue()


def add_people(settings: Settings, places: Places) -> int:
    """Read a list from standard input and print the CSV; returns the exit code."""
    if (db := open_database(settings, places)) is None:
        print("The hub has not started yet: its first start makes the database.", file=sys.stderr)
        return NOT_STARTED
    newcomers = Newcomers(Accounts(db), {settings.admin_user}, settings.username_pattern)
    try:
        made = asyncio.run(newcomers.add(sys.stdin.read()))
    except AccountError as error:
        print(error, file=sys.stderr)
        return 2
    print(as_csv(made), end="")
    return 0
