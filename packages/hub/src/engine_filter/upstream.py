"""The real engine: looked up objects in, calls passed on to. Thin."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
from yarl import URL

from engine_filter.calls import Forward, Kind, MissingError, Record

ANSWER_SECONDS = 300.0
"""The longest any call takes that does not wait for something to happen."""

_HOST = "http://engine"
_NOT_FOUND, _OK = 404, 200
_PART = r"[A-Za-z0-9_][A-Za-z0-9_.:@-]*"
_NAME = re.compile(rf"{_PART}(/{_PART})*")


class Upstream:
    """A client of the engine's socket; entering opens it."""

    def __init__(self, socket: Path) -> None:
        """`socket` is the engine's own."""
        self._socket = socket

    async def __aenter__(self) -> "Upstream":
        connector = aiohttp.UnixConnector(str(self._socket), limit=0)
        self._session = aiohttp.ClientSession(connector=connector, auto_decompress=False)
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._session.close()

    def send(
        self, method: str, version: str, forward: Forward, headers: dict[str, str]
    ) -> "aiohttp.client._RequestContextManager":
        """Pass a call on, written anew from its parts."""
        url = _url(version + forward.path, forward.query)
        body = None
        if forward.body is not None:
            body = json.dumps(forward.body).encode("ascii")
            headers = headers | {"Content-Type": "application/json"}
        total = None if forward.endless else ANSWER_SECONDS
        timeout = aiohttp.ClientTimeout(total=total, sock_connect=10)
        return self._session.request(
            method, url, data=body, headers=headers, timeout=timeout, allow_redirects=False
        )

    async def look_up(self, path: str) -> Record:
        """What the engine says about one object. Raises MissingError with the engine's words."""
        timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS, sock_connect=10)
        async with self._session.get(_url(path, {}), timeout=timeout) as answer:
            record: dict[str, Any] = await answer.json()
            if answer.status == _NOT_FOUND:
                raise MissingError(str(record.get("message", "not found")))
            if answer.status != _OK:
                raise aiohttp.ClientError(f"the engine answered {answer.status} for {path}")
            return record


def _url(path: str, query: dict[str, str]) -> URL:
    encoded = quote(path, safe="/:@")
    return URL(f"{_HOST}{encoded}{'?' if query else ''}{urlencode(query)}", encoded=True)


class LookUps:
    """The engine as rules see it, in one version of its API."""

    def __init__(self, upstream: Upstream, version: str) -> None:
        """`version` is a path prefix such as /v1.45."""
        self._upstream, self._version = upstream, version

    async def info(self) -> Record:
        """The engine itself."""
        return await self._upstream.look_up(f"{self._version}/info")

    async def one(self, kind: Kind, name: str) -> Record:
        """One object."""
        # From a body, so it may be anything; in a path it must not mean anything else.
        if not _NAME.fullmatch(name):
            raise MissingError(f"No such object: {name[:100]}")
        tail = "/json" if kind in ("containers", "images") else ""
        return await self._upstream.look_up(f"{self._version}/{kind}/{name}{tail}")
