"""What people give to get in, user name and password: which are good enough, and how secrets rest.

A name becomes part of a container's and a volume's name, of URLs and of database records, so it is
made of characters that all of them take as they are or that `names` escapes without two meeting.

zxcvbn (Wheeler, USENIX Security 2016) estimates the guesses an attacker needs from its lists of
30,000 passwords and of words and names, seen through swapped letters, repeats and keyboard rows.
Its work grows with the square of the length and with the swapped letters there are, whose
combinations it tries: so it gets the first letters only, which bounds what anybody can ask of it.

bcrypt gives up Python's lock while it computes, so threads are enough; theirs have a low priority
(Linux keeps a nice value for each thread), so that the loop gets the processor when it wants it and
log-ins still get a tenth of it when the loop wants all. zxcvbn takes turns with the loop, lock and
all, so its thread has the loop's own priority. What is waiting has a bound.

Secrets at rest are sealed with the hub's crypt key, or kept as keyed digests that tell nothing. The
key is JupyterHub's (`CryptKeeper.keys`, a file of the hub's user beside the database). Several keys
may be set to change it: the first seals, all open.
"""

import asyncio
import hashlib
import hmac
import json
import os
import re
import secrets
import string
import threading
import unicodedata
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any, TypeVar

import bcrypt
from cryptography.fernet import InvalidToken
from jupyterhub.crypto import CryptKeeper
from zxcvbn import zxcvbn


class BusyError(Exception):
    """More passwords are being checked than can be kept waiting."""


LONGEST_NAME = 64
"""Escaped, it still fits the 255 characters of a volume's name beside prefix and server."""

_ALLOWED = frozenset(string.ascii_lowercase + string.digits + "._-@")

# fmt: off
RESERVED = frozenset({
    "about", "account", "accounts", "admin", "administrator", "admins", "api", "authorize",
    "bin", "billing", "config", "contact", "control", "daemon", "demo", "docker", "everyone",
    "group", "groups", "guest", "health", "help", "home", "host", "hub", "info", "internal",
    "jhub", "jovyan", "jupyter", "jupyterhub", "localhost", "login", "logout", "mail",
    "metrics", "moderator", "nebula", "nobody", "null", "operator", "owner", "platform",
    "postmaster", "proxy", "public", "root", "security", "server", "service", "services",
    "settings", "shared", "signup", "somebody", "spawn", "staff", "static", "status", "sudo",
    "superuser", "support", "sys", "sysadmin", "system", "test", "token", "undefined", "user",
    "username", "users", "volume", "volumes", "webmaster", "www",
})
# fmt: on
"""Names of the platform's parts and paths, and names that promise an office their owner lacks."""

_LOOKS_LIKE = str.maketrans({"0": "o", "1": "l", "i": "l", "3": "e", "5": "s"})


def name_complaint(name: str) -> str:  # noqa: PLR0911  one return per rule
    """What is wrong with `name`, naming the rule that it breaks; empty when nothing is."""
    if not name:
        return "Please choose a user name."
    if len(name) > LONGEST_NAME:
        return f"This user name has {len(name)} characters; at most {LONGEST_NAME} are allowed."
    if odd := sorted(set(name.lower()) - _ALLOWED):
        listing = " ".join("space" if sign.isspace() else sign for sign in odd)
        return f"A user name has letters a-z, digits and . _ - @ only; not allowed: {listing}"
    if name != name.lower():
        return f"User names are written in lower case: {name.lower()}."
    if not (name[0].isalnum() and name[-1].isalnum()):
        return "A user name begins and ends with a letter or digit."
    if re.search(r"[._@-]{2}", name):
        return "In a user name, two of . _ - @ may not follow each other."
    if name.isdigit():
        return "A user name needs at least one letter."
    if name in RESERVED or _impression(name) in _RESERVED_IMPRESSIONS:
        return f"The user name {name} is reserved. Please choose another one."
    return ""


class Taken:
    """The names there are, and what a newcomer's may not be beside them.

    Against everybody: the same in another case or Unicode form; names that differ beyond that
    also differ once they are escaped for Docker. Against admins also what looks the same.
    """

    def __init__(self, names: Iterable[str], admins: Iterable[str]) -> None:
        self._names = set(map(_folded, names))
        self._impressions = set(map(_impression, admins))

    def complaint(self, name: str) -> str:
        """Why `name` may not stand beside them; empty when it may."""
        if _folded(name) in self._names:
            return "This user name is already in use. Please choose another one."
        if _impression(name) in self._impressions:
            return "This user name looks like an administrator's. Please choose another one."
        return ""

    def add(self, name: str) -> None:
        """From now on there is `name`, too."""
        self._names.add(_folded(name))


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()


def _impression(name: str) -> str:
    """What a reader takes `name` for at a glance."""
    bare = re.sub(r"[._@-]", "", _folded(name)).replace("rn", "m").replace("vv", "w")
    return bare.translate(_LOOKS_LIKE)


_RESERVED_IMPRESSIONS = frozenset(map(_impression, RESERVED))


MAX_BYTES = 72
"""bcrypt looks at no more than this; bcrypt 5 raises for longer ones."""

ENOUGH = 2
"""zxcvbn's score: more than 10^6 guesses, beyond what throttled log-ins can be asked in years."""

JUDGED = 24
"""Letters that zxcvbn looks at. Whoever has chosen that many has long chosen enough, unless they
are one word or row again and again, which says as much about the rest."""

ROUNDS = 10
"""OWASP's minimum (Password Storage Cheat Sheet): 60 ms on this kind of machine. 12, bcrypt's
default, takes 240 ms, and then 100 log-ins in 10 s are more than two cores can do."""

NICE = 10
"""A weight of 110 beside the loop's 1024 (sched(7), kernel/sched/core.c)."""

MOST_WAITING = 256
"""Checks under way and waiting; beyond, people are asked to come back."""

_PLATFORM_WORDS = ("jupyter", "jupyterhub", "jupyterlab", "marimo", "vscode", "hub", "docker")

_TOO_LONG = (
    f"This password is too long: {MAX_BYTES} letters at most, and accented ones, other scripts and "
    "emoji count two to four times."
)

_SIGNS = "abcdefghjkmnpqrstuvwxyz23456789"
"""No i, l, o, 0 and 1, which are mistaken for one another."""

Result = TypeVar("Result")


def usable(password: str) -> bool:
    """Whether bcrypt can take `password`."""
    # The letters are counted first: nobody shall have megabytes of them encoded.
    fits = 0 < len(password) <= MAX_BYTES and len(password.encode(errors="replace")) <= MAX_BYTES
    return fits and "\0" not in password


async def password_complaint(password: str, name: str, minimum_length: int) -> str:
    """What is wrong with `password` for `name`; empty for nothing. Raises BusyError."""
    wrong = _against_rules(password, name, minimum_length)
    return wrong or await _apart(_JUDGE, lambda: _easy(password, name))


def _against_rules(password: str, name: str, minimum_length: int) -> str:
    if len(password) < minimum_length:
        return f"A password needs at least {minimum_length} characters."
    if not usable(password):
        fits = len(password) <= MAX_BYTES and "\0" in password
        return "A password cannot have the character NUL." if fits else _TOO_LONG
    if password.casefold() == name.casefold():
        return "The password must not be the user name."
    if len(name) > 2 and name.casefold() in password.casefold():
        return "The password must not contain the user name."
    return ""


def _easy(password: str, name: str) -> str:
    found = zxcvbn(password[:JUDGED], [name[:JUDGED], *_PLATFORM_WORDS])
    if found["score"] >= ENOUGH:
        return ""
    advice = found["feedback"]["warning"] or "A few uncommon words make a good one."
    return f"This password is too easy to guess, or one of the common ones. {advice}".strip()


def hash_now(password: str) -> bytes:
    """The hash to store, made on the calling thread."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(ROUNDS))


async def make_hash(password: str) -> bytes:
    """The hash to store. Raises BusyError when too many wait."""
    return await _apart(_BCRYPT, lambda: hash_now(password))


async def matches(password: str, stored: bytes | None) -> bool:
    """Whether `password` is the one `stored` was made of; takes as long when there is none.

    Raises BusyError when too many wait.
    """

    def check() -> bool:
        given = password if usable(password) else "-"
        same = bcrypt.checkpw(given.encode(errors="replace"), stored or _NOBODY)
        return same and stored is not None and given == password

    return await _apart(_BCRYPT, check)


def outdated(stored: bytes) -> bool:
    """Whether a hash was made with other rounds, so that checking it would take another time."""
    return not stored.startswith(f"$2b${ROUNDS:02}$".encode())


def readable(groups: int) -> str:
    """Random letters and digits in groups of four, 20 bits each, to be copied from paper."""
    return "-".join("".join(secrets.choice(_SIGNS) for _ in range(4)) for _ in range(groups))


def one_time() -> str:
    """A password nobody guesses, for one use."""
    return readable(4)


def _step_back() -> None:
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)


_BCRYPT = ThreadPoolExecutor(2, "bcrypt", initializer=_step_back)
_JUDGE = ThreadPoolExecutor(1, "zxcvbn")
_NOBODY = hash_now(secrets.token_hex(16))
_waiting = 0


async def _apart(threads: Executor, work: Callable[[], Result]) -> Result:
    global _waiting  # noqa: PLW0603  only the event loop's thread changes it
    if _waiting >= MOST_WAITING:
        raise BusyError
    _waiting += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(threads, work)
    finally:
        _waiting -= 1


def seal(value: dict[str, Any]) -> bytes:
    """Encrypt `value`, which JSON can hold."""
    keeper = CryptKeeper.instance()
    keeper.check_available()
    return bytes(keeper.fernet.encrypt(json.dumps(value).encode()))


def unseal(sealed: bytes) -> dict[str, Any] | None:
    """What was sealed; None when it was sealed with a key that is no longer there."""
    keeper = CryptKeeper.instance()
    keeper.check_available()
    try:
        value: dict[str, Any] = json.loads(keeper.fernet.decrypt(sealed))
    except InvalidToken:
        return None
    return value


def digest(purpose: str, *parts: str) -> str:
    """A keyed digest of `parts`, always the same; nobody without the key can try values."""
    return digests(purpose, *parts)[0]


def digests(purpose: str, *parts: str) -> list[str]:
    """The digest with the key in use, then with the older ones."""
    keeper = CryptKeeper.instance()
    keeper.check_available()
    text = "\0".join((purpose, *parts)).encode(errors="surrogatepass")
    return [hmac.new(key, text, hashlib.sha256).hexdigest() for key in keeper.keys]
