"""Accounts that are asked for: by somebody who signs up, or for many people at once by an admin.

A list of people is a line for each: a user name and, if one likes, an e-mail address. Everybody on
it gets a one-time password; it is made of all its lines or, when one of them is bad, of none.
"""

import asyncio
import csv
import io
import re
import sys
from collections.abc import Collection
from dataclasses import dataclass

from jupyterhub import orm
from sqlalchemy import select

from hub_config.first_start import Places
from hub_config.login import first_admin, names, passwords
from hub_config.login.accounts import Accounts, NewAccount
from hub_config.login.errors import AccountError
from hub_config.settings import Settings

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
        made = [Added(name, email, passwords.one_time()) for name, email in people]
        hashes = [await passwords.make_hash(one.password) for one in made]
        self._read(text)  # somebody may have signed up meanwhile
        self.accounts.add(
            *(
                NewAccount(one.name, hashed, approved=True, must_change=True, email=one.email)
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

    def _complaint(self, name: str, taken: names.Taken) -> str:
        if name in self._admins:
            return "This user name is already in use. Please choose another one."
        wrong = names.complaint(name) or taken.complaint(name)
        if not wrong and not re.match(self._pattern, name):
            wrong = f"On this platform a user name has to match {self._pattern}"
        return wrong

    def _taken(self) -> names.Taken:
        """Users that an admin made (`POST /users/<name>`) count, too: they may have rights."""
        users = self.accounts.db.execute(select(orm.User.name, orm.User.admin)).all()
        admins = self._admins | {name for name, admin in users if admin}
        return names.Taken(self.accounts.names() | {name for name, _ in users}, admins)


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


def command(settings: Settings, places: Places) -> int:
    """Read a list from standard input and print the CSV; returns the exit code."""
    if (db := first_admin.database(settings, places)) is None:
        print("The hub has not started yet: its first start makes the database.", file=sys.stderr)
        return first_admin.NOT_STARTED
    newcomers = Newcomers(Accounts(db), {settings.admin_user}, settings.username_pattern)
    try:
        made = asyncio.run(newcomers.add(sys.stdin.read()))
    except AccountError as error:
        print(error, file=sys.stderr)
        return 2
    print(as_csv(made), end="")
    return 0
