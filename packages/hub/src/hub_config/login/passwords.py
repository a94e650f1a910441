"""Passwords: which are good enough, hashed and checked, all of it away from the event loop.

zxcvbn (Wheeler, USENIX Security 2016) estimates the guesses an attacker needs from its lists of
30,000 passwords and of words and names, seen through swapped letters, repeats and keyboard rows.
Its work grows with the square of the length and with the swapped letters there are, whose
combinations it tries: so it gets the first letters only, which bounds what anybody can ask of it.

bcrypt gives up Python's lock while it computes, so threads are enough; theirs have a low priority
(Linux keeps a nice value for each thread), so that the loop gets the processor when it wants it and
log-ins still get a tenth of it when the loop wants all. zxcvbn takes turns with the loop, lock and
all, so its thread has the loop's own priority. What is waiting has a bound.
"""

import asyncio
import os
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import TypeVar

import bcrypt
from zxcvbn import zxcvbn

from hub_config.login.errors import BusyError

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


async def complaint(password: str, name: str, minimum_length: int) -> str:
    """What is wrong with `password` for the user `name`; empty when nothing is.

    Raises BusyError when too many wait.
    """
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
