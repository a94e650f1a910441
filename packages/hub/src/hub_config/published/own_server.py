"""Files of a person's own running server, read and written for that very person.

By Jupyter Server's own API, as its person's browser would: the hub cannot see homes. The token is
one of the person's for their servers alone, and is gone when the answer is there. A server may be
anybody's program: none of its answers is parsed, and none leads anywhere else.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

import aiohttp
from jupyterhub import orm

from hub_config import names
from hub_config.published.shelf import MOST_BYTES, ShelfError

PATIENCE = aiohttp.ClientTimeout(total=120)
EXPIRES = 300
LONGEST = 1000
"""Characters of a path."""

MAKERS = {".ipynb": "nbconvert/html", ".py": "jhub-published"}
"""What makes a page of a notebook there, by its ending: Jupyter Server, `jhub_published`."""

NAMES = 1000
"""So many names are tried for a copy."""

NO_SERVER = "Start a server of yours first: the hub reads and writes your files through it alone."


def running(user: Any, may_enter: Callable[[Any, str], bool]) -> Any:
    """A server of theirs that runs, the default one before others. Raises ShelfError, also where
    whoever asks may enter none of theirs: what somebody logs in to has a token of theirs, too.
    """
    theirs = sorted(user.spawners.items())
    if any(may_enter(spawner.orm_spawner, "server") for _, spawner in theirs):
        for name, spawner in theirs:
            if spawner.ready and not names.is_job(name):
                return spawner
    raise ShelfError(NO_SERVER)


def checked(path: str) -> str:
    """A notebook's path in the home as people write it; raises ShelfError."""
    found = PurePosixPath(path.strip().removeprefix("~/").lstrip("/"))
    clean = ".." not in found.parts and path.isprintable() and len(path) <= LONGEST
    if found.suffix not in MAKERS or not clean:
        raise ShelfError("Expected is the path of a notebook in your home: work/report.ipynb.")
    return str(found)


@asynccontextmanager
async def _asking(user: Any, spawner: Any) -> AsyncIterator[tuple[aiohttp.ClientSession, str]]:
    token = user.new_api_token(
        note="the hub, for what is published",
        expires_in=EXPIRES,
        scopes=[f"access:servers!user={user.name}"],
    )
    headers = {"Authorization": f"token {token}"}
    try:
        async with aiohttp.ClientSession(headers=headers, timeout=PATIENCE) as session:
            yield session, spawner.server.url
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise ShelfError("Your server does not answer. Try again in a minute.") from error
    finally:
        if (found := orm.APIToken.find(user.db, token)) is not None:
            user.db.delete(found)
            user.db.commit()


async def _read(session: aiohttp.ClientSession, url: str, path: str) -> bytes:
    async with session.get(url, allow_redirects=False) as answer:
        if answer.status == HTTPStatus.NOT_FOUND:
            raise ShelfError(f"There is no notebook {path} in your home.")
        if answer.status != HTTPStatus.OK:
            raise ShelfError(f"Your server could not make a page of {path}. Does it open there?")
        content = bytearray()
        async for piece in answer.content.iter_chunked(2**16):
            content += piece
            if len(content) > MOST_BYTES:
                most = MOST_BYTES // 2**20
                raise ShelfError(f"{path} is larger than {most} MB: clear its largest outputs.")
        return bytes(content)


async def read(user: Any, spawner: Any, path: str) -> tuple[bytes, bytes]:
    """A notebook of theirs, and its HTML. Raises ShelfError."""
    async with _asking(user, spawner) as (session, url):
        place, maker = quote(path), MAKERS[PurePosixPath(path).suffix]
        notebook = await _read(session, f"{url}files/{place}", path)
        return notebook, await _read(session, f"{url}{maker}/{place}", path)


async def has(user: Any, spawner: Any, path: str) -> bool:
    """Whether their home has such a file, as far as their server tells. Raises ShelfError."""
    async with _asking(user, spawner) as (session, url):
        place = f"{url}api/contents/{quote(path)}?content=0"
        async with session.get(place, allow_redirects=False) as answer:
            return answer.status != HTTPStatus.NOT_FOUND


async def write(user: Any, spawner: Any, name: str, notebook: bytes) -> str:
    """Put a notebook into their home, beside what has its name; returns where it opens.

    A program gets a number in any case: called `numpy.py` by its author, it would be what is
    imported there, and run before anybody has read it.
    """
    content = {"type": "file", "format": "text", "content": notebook.decode(errors="replace")}
    stem, suffix = PurePosixPath(name).stem, PurePosixPath(name).suffix
    async with _asking(user, spawner) as (session, url):
        for number in range(int(suffix == ".py"), NAMES):
            own = f"{stem}-{number}{suffix}" if number else name
            place = f"{url}api/contents/{quote(own)}"
            async with session.get(f"{place}?content=0", allow_redirects=False) as answer:
                if answer.status != HTTPStatus.NOT_FOUND:
                    continue
            async with session.put(place, json=content, allow_redirects=False) as answer:
                if answer.status != HTTPStatus.CREATED:
                    raise ShelfError("Your server did not take the file. Is your disk full?")
                return own
    raise ShelfError(f"There are too many files called {name} in your home.")
