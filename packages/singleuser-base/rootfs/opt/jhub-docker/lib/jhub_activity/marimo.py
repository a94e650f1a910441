"""Asks the marimo servers of this container whether a notebook is running.

marimo 0.25: `GET /api/sessions` lists the sessions, `GET /api/kernel/status` with the header
Marimo-Session-Id says `running` while a cell runs or is queued, `POST /api/export/script` gives a
session's cells as they stand in its editor (marimo/_server/api/endpoints, health.py, execution.py
and export.py). A session goes on when its tab is closed, so websockets tell nothing.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_TOKEN = re.compile(rb'<marimo-server-token[^>]*data-token="([^"]+)"')
"""In its page: marimo asks for it whenever something is posted."""

TIMEOUT = 30.0
"""Seconds marimo has for an answer, on a busy machine too."""


@dataclass(frozen=True)
class Server:
    """Where a marimo server answers, and with which password."""

    url: str
    password: str


def server(command_line: Sequence[str]) -> Server | None:
    """The server a process is, None when it is no `marimo edit --port ...`."""
    words = [*command_line]
    names = [word.rpartition("/")[2] for word in words[:3]]
    if "marimo" not in names or "edit" not in words:
        return None

    def option(name: str) -> str:
        return words[words.index(name) + 1] if name in words[:-1] else ""

    port = option("--port")
    if not port.isdigit():
        return None
    base = option("--base-url").rstrip("/")
    return Server(f"http://127.0.0.1:{port}{base}", option("--token-password"))


async def is_running(server: Server) -> bool:
    """Whether a cell of any of its notebooks runs. A server that is just starting runs none."""
    sessions = await _ask(server, "/api/sessions")
    for session in sessions or {}:
        status = await _ask(server, "/api/kernel/status", {"Marimo-Session-Id": session})
        if status and status.get("state") == "running":
            return True
    return False


async def unnamed(server: Server) -> dict[str, str | None]:
    """The cells of each session, as a script with a line `# %%` before each cell. None: it is saved
    under a name.
    """
    found: dict[str, str | None] = {}
    for session, about in (await _ask(server, "/api/sessions") or {}).items():
        if about.get("filename"):
            found[session] = None
            continue
        page = await _fetch(server, "/") or b""
        if token := _TOKEN.search(page):
            headers = {"Marimo-Session-Id": session, "Marimo-Server-Token": token[1].decode()}
            script = await _fetch(server, "/api/export/script", headers, '{"download": false}')
            if script is not None:
                found[session] = script.decode()
    return found


async def _ask(server: Server, path: str, headers: dict[str, str] | None = None) -> Any:
    answer = await _fetch(server, path, headers)
    return None if answer is None else json.loads(answer)


async def _fetch(
    server: Server, path: str, headers: dict[str, str] | None = None, body: str | None = None
) -> bytes | None:
    from tornado.httpclient import AsyncHTTPClient, HTTPClientError  # noqa: PLC0415
    from tornado.simple_httpclient import HTTPTimeoutError  # noqa: PLC0415

    login = base64.b64encode(f" :{server.password}".encode()).decode()
    try:
        answer = await AsyncHTTPClient().fetch(
            server.url + path,
            method="GET" if body is None else "POST",
            body=body,
            headers={
                "Authorization": f"Basic {login}",
                "Content-Type": "application/json",
                **(headers or {}),
            },
            request_timeout=TIMEOUT,
        )
    except HTTPTimeoutError:
        raise  # it is there, and nobody knows what it does: that counts as work
    except (HTTPClientError, OSError):
        return None
    content: bytes = answer.body
    return content
