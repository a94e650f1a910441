"""Requests and answers through the proxy, passed on as they come, in both directions at once.

By aiohttp, which jupyter-server-proxy has for its own questions: Tornado's client holds an answer
of unknown length as a whole.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
from jupyter_server.base.handlers import JupyterHandler
from tornado import httputil, web
from tornado.iostream import StreamClosedError
from yarl import URL

from jhub_proxy import absent, clusters, dash_pages, passed_on, traffic

BODY_BYTES = 2**63
"""An upload passes through: how large it may be is for the application to say."""

LINE_BYTES = 2**16
"""Of one header, as much as Tornado takes."""

CONNECT_SECONDS = 30.0

OWN = frozenset(
    {"connection", "content-length", "keep-alive", "proxy-connection", "te", "trailer"}
    | {"transfer-encoding", "upgrade"}
)
"""Headers of an answer that are about one connection (RFC 9110, 7.6.1), and its length."""


class Body:
    """What is uploaded, piece by piece; whoever brings more waits until the last one was taken."""

    def __init__(self) -> None:
        self._pieces: asyncio.Queue[bytes | None] = asyncio.Queue(maxsize=1)
        self._wanted = True

    async def bring(self, piece: bytes | None) -> None:
        """Hand over a piece; None after the last one."""
        if self._wanted:
            await self._pieces.put(piece)

    def not_wanted(self) -> None:
        """The answer is complete, or there is none: what still comes is thrown away."""
        self._wanted = False
        while not self._pieces.empty():
            self._pieces.get_nowait()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (piece := await self._pieces.get()) is not None:
            yield piece


def install(handler_class: Any) -> None:
    """Let every handler of the proxy stream."""
    web.stream_request_body(handler_class)
    prepare, buffered = handler_class.prepare, handler_class._proxy_buffered
    closed = handler_class.on_connection_close

    async def prepare_body(self: Any, *args: Any, **kwargs: Any) -> None:
        self.request.connection.set_max_body_size(BODY_BYTES)
        finish = self.finish

        def refuse(*given: Any) -> None:
            # Tornado closes the connection, since the body was not read, and does not say so (6.5,
            # http1connection.py, finish): the hub's proxy would ask the next thing there.
            self.set_header("Connection", "close")
            finish(*given)

        self.finish = refuse
        await prepare(self, *args, **kwargs)
        self.finish = finish
        if not self._finished and has_body(self.request.headers):
            _answer_during_upload(self)

    async def data_received(self: Any, piece: bytes) -> None:
        await self._upload.bring(piece)

    async def pass_on(
        self: Any, host: str, port: int, path: str, body: bytes | None, client: Any
    ) -> None:
        if not await clusters.permits(self.get_client_uri("http", host, port, path)):
            raise web.HTTPError(403, clusters.TOLD)
        if self.rewrite_response:
            if upload := getattr(self, "_upload", None):
                body = b"".join([piece async for piece in upload])
            await buffered(self, host, port, path, body, client)
            return
        self._exchange = asyncio.ensure_future(_exchange(self, host, port, path))
        try:
            await asyncio.wait({self._exchange})
        finally:
            self._exchange.cancel()
        if not self._exchange.cancelled():
            self._exchange.result()

    def on_connection_close(self: Any) -> None:
        for task in ("_exchange", "_answer"):
            if hasattr(self, task):
                getattr(self, task).cancel()
        closed(self)

    handler_class.prepare = prepare_body
    handler_class.data_received = data_received
    handler_class._proxy_buffered = handler_class._proxy_progressive = pass_on
    handler_class.on_connection_close = on_connection_close


def has_body(headers: Mapping[str, str]) -> bool:
    """Whether a request with these headers brings something (RFC 9112, 6.3)."""
    return "Transfer-Encoding" in headers or headers.get("Content-Length", "0") != "0"


def _answer_during_upload(handler: Any) -> None:
    """Tornado calls a handler's method when the body is complete; here it is called before, and
    gets the body while it comes.
    """
    name = handler.request.method.lower()
    # The proxy takes some away, and Tornado has yet to read from them how the body comes.
    handler.request.headers = handler.request.headers.copy()
    handler._upload = Body()
    handler._answer = asyncio.ensure_future(
        getattr(handler, name)(*handler.path_args, **handler.path_kwargs)
    )
    handler._answer.add_done_callback(lambda _: handler._upload.not_wanted())

    async def rest(*_: str, **__: str) -> None:
        await handler._upload.bring(None)
        await asyncio.wait({handler._answer})
        if not handler._answer.cancelled():
            handler._answer.result()

    setattr(handler, name, rest)


async def _exchange(handler: Any, host: str, port: int, path: str) -> None:
    """One request to the application, and its answer."""
    request = handler._build_proxy_request(host, port, path, None)
    socket = handler.unix_socket
    session = aiohttp.ClientSession(
        connector=aiohttp.UnixConnector(socket) if socket else aiohttp.TCPConnector(limit=0),
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
        max_line_size=LINE_BYTES,
        max_field_size=LINE_BYTES,
        skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
    )
    # Tornado itself has told the sender to go on.
    headers = [
        (name, passed_on.to_application(value))
        for name, value in request.headers.get_all()
        if name != "Expect"
    ]
    try:
        async with (
            session,
            traffic.exchange(traffic.REQUEST, handler) as seen,
            session.request(
                request.method,
                URL(request.url, encoded=True),
                headers=[*headers, ("Connection", "close")],
                data=getattr(handler, "_upload", None),
                allow_redirects=False,
            ) as answer,
        ):
            _take_over(handler, answer, host, port, path)
            if _may_be_dash(handler, answer):
                handler.clear_header("Content-Length")
                below = handler._get_context_path(host, port) + "/"
                handler.write(dash_pages.relocated(await answer.read(), below))
                return
            # The handler's own `flush` returns nothing, so that nobody could wait for it.
            await JupyterHandler.flush(handler)
            async for piece in answer.content.iter_any():
                seen.received()
                handler.write(piece)
                await JupyterHandler.flush(handler)
    except StreamClosedError:
        return  # whoever asked has gone
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        if handler._headers_written:
            handler.log.warning("The answer of %s was cut short: %s", request.url, error)
            # Not ended as if it were complete.
            handler.request.connection.close()
        else:
            absent.say(handler, port, error)


def _may_be_dash(handler: Any, answer: aiohttp.ClientResponse) -> bool:
    """Whether this is a whole page of moderate size, which says what it is in its text."""
    return (
        absent.is_page(handler.request)
        and not handler.absolute_url
        and answer.status == 200
        and answer.content_type == "text/html"
        and "Content-Encoding" not in answer.headers
        and (answer.content_length or dash_pages.MOST_BYTES) < dash_pages.MOST_BYTES
    )


def _take_over(
    handler: Any, answer: aiohttp.ClientResponse, host: str, port: int, path: str
) -> None:
    """Status and headers of the answer."""
    handler.set_status(answer.status, answer.reason)
    handler._headers = httputil.HTTPHeaders()
    named = {name.strip().lower() for name in answer.headers.get("Connection", "").split(",")}
    for name, value in answer.headers.items():
        if name.lower() in OWN | named:
            continue
        if name.lower() == "location" and not handler.absolute_url:
            value = handler._rewrite_location_header(value, host, port, path)  # noqa: PLW2901
        handler.add_header(name, passed_on.to_page(value))
    if "Content-Length" in answer.headers and "Transfer-Encoding" not in answer.headers:
        handler.set_header("Content-Length", answer.headers["Content-Length"])
