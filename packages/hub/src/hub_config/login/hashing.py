"""Passwords hashed and checked with bcrypt, away from the event loop.

bcrypt gives up Python's lock while it computes, so threads are enough; theirs have a low priority
(Linux keeps a nice value for each thread), so that the loop gets the processor when it wants it and
log-ins still get a tenth of it when the loop wants all. What is waiting has a bound.
"""

import asyncio
import os
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import bcrypt

from hub_config.login.errors import BusyError
from hub_config.login.passwords import usable

ROUNDS = 10
"""OWASP's minimum (Password Storage Cheat Sheet): 60 ms on this kind of machine. 12, bcrypt's
default, takes 240 ms, and then 100 log-ins in 10 s are more than two cores can do."""

NICE = 10
"""A weight of 110 beside the loop's 1024 (sched(7), kernel/sched/core.c)."""

MOST_WAITING = 256
"""Checks under way and waiting; beyond, people are asked to come back."""

Result = TypeVar("Result")


def _step_back() -> None:
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)


_THREADS = ThreadPoolExecutor(2, "bcrypt", initializer=_step_back)
_waiting = 0


def hash_now(password: str) -> bytes:
    """The hash to store, made on the calling thread."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(ROUNDS))


_NOBODY = hash_now(secrets.token_hex(16))


async def make_hash(password: str) -> bytes:
    """The hash to store. Raises BusyError when too many wait."""
    return await _apart(lambda: hash_now(password))


async def matches(password: str, stored: bytes | None) -> bool:
    """Whether `password` is the one `stored` was made of; takes as long when there is none.

    Raises BusyError when too many wait.
    """

    def check() -> bool:
        given = password if usable(password) else "-"
        same = bcrypt.checkpw(given.encode(errors="replace"), stored or _NOBODY)
        return same and stored is not None and given == password

    return await _apart(check)


def outdated(stored: bytes) -> bool:
    """Whether a hash was made with other rounds, so that checking it would take another time."""
    return not stored.startswith(f"$2b${ROUNDS:02}$".encode())


async def _apart(work: Callable[[], Result]) -> Result:
    global _waiting  # noqa: PLW0603  only the event loop's thread changes it
    if _waiting >= MOST_WAITING:
        raise BusyError
    _waiting += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(_THREADS, work)
    finally:
        _waiting -= 1
