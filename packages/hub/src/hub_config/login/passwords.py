"""Passwords: hashed and checked with bcrypt, in threads, with the same work for everybody.

One check takes about 300 ms of CPU; on the event loop three logins a second would stall the hub.
"""

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor

import bcrypt

MAX_BYTES = 72
"""bcrypt looks at no more than this; bcrypt 5 raises for longer ones."""

_THREADS = ThreadPoolExecutor(2, "bcrypt")
_NOBODY = bcrypt.hashpw(secrets.token_bytes(16), bcrypt.gensalt())


def usable(password: str) -> bool:
    """Whether bcrypt can take `password`."""
    return 0 < len(password.encode()) <= MAX_BYTES and "\0" not in password


def hash_now(password: str) -> bytes:
    """The hash to store, made on the calling thread."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt())


async def make_hash(password: str) -> bytes:
    """The hash to store."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, hash_now, password)


async def matches(password: str, stored: bytes | None) -> bool:
    """Whether `password` is the one `stored` was made of; takes as long when there is none."""

    def check() -> bool:
        given = password if usable(password) else "-"
        same = bcrypt.checkpw(given.encode(), stored or _NOBODY)
        return same and stored is not None and given == password

    return await asyncio.get_running_loop().run_in_executor(_THREADS, check)
