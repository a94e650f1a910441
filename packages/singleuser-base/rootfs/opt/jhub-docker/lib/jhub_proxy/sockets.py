"""Websockets through the proxy: large messages, and the faster end waits for the slower one."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from jupyter_server_proxy.unixsock import UnixResolver
from jupyter_server_proxy.websocket import PingableWSClientConnection
from tornado import httpclient, httputil
from tornado.iostream import StreamClosedError
from tornado.websocket import WebSocketClosedError, WebSocketError

from jhub_proxy import MESSAGE_BYTES, clusters, passed_on, traffic

GONE = (StreamClosedError, WebSocketClosedError)

HANDSHAKE_SECONDS = 300.0
"""How long the application may take to accept a socket. Tornado's own 20 s are over on a busy
machine while an editor still loads what answers, and its page then says that it was lost.
"""


class Connection(PingableWSClientConnection):
    """The one to the application. A message is read when the last one has been passed on."""

    def _on_message(self, message: str | bytes | None) -> Any:
        return self._on_message_callback(message)


def install(handler_class: Any) -> None:
    """Let every handler of the proxy pass on sockets this way."""
    closed = handler_class.on_close

    async def proxy_open(self: Any, host: str, port: int, proxied_path: str = "") -> None:
        if not self._check_host_allowlist(host):
            self.log.info("The host %r is not allowed", host)
            self.close(code=1008, reason="This host is not allowed")
            return
        path = proxied_path if proxied_path.startswith("/") else f"/{proxied_path}"
        url = self.get_client_uri("ws", host, port, path)
        if not await clusters.permits(url):
            self.close(code=1008, reason=clusters.TOLD)
            return
        self._seen = traffic.opened(traffic.SOCKET, self)
        try:
            self.ws = await _connect(self, url)
        except (OSError, StreamClosedError, WebSocketError, httpclient.HTTPError) as error:
            self.log.info("No websocket at %s:%s%s: %s", host, port, path, error)
            self.close(code=1011, reason="The application does not answer")
            return
        if self.ws.selected_subprotocol != self.selected_subprotocol:
            self.log.warning(
                "The application speaks %r, the page was told %r; see "
                "https://github.com/jupyterhub/jupyter-server-proxy/issues/459",
                self.ws.selected_subprotocol,
                self.selected_subprotocol,
            )

    async def on_message(self: Any, message: str | bytes) -> None:
        if not hasattr(self, "ws"):
            return  # closed already, for want of an application; this was on its way
        self._record_activity()
        self._seen.sent()
        try:
            await self.ws.write_message(message, binary=isinstance(message, bytes))
        except GONE:
            self.close()

    def on_close(self: Any) -> None:
        traffic.closed(getattr(self, "_seen", None))
        if hasattr(self, "ws"):
            self.ws.close(*passed_on.ending(self.close_code, self.close_reason))
        closed(self)

    handler_class.proxy_open = proxy_open
    handler_class.on_message = on_message
    handler_class.on_close = on_close


async def _connect(handler: Any, url: str) -> Any:
    """A connection to the application, which hands what it says to the page."""

    def said(message: str | bytes | None) -> Awaitable[None] | None:
        if message is None:
            handler.close(*passed_on.ending(connection.close_code, connection.close_reason))
            return None
        return tell(message)

    async def tell(message: str | bytes) -> None:
        handler._record_activity()
        handler._seen.received()
        try:
            await handler.write_message(message, binary=isinstance(message, bytes))
        except GONE:
            connection.close()

    def pinged(data: bytes) -> None:
        if handler.ws_connection:
            handler.ping(data)

    headers = httputil.HTTPHeaders(handler.proxy_request_headers())
    # Within the container, compression would only take time, and the page's wishes are not ours.
    headers.pop("Sec-WebSocket-Extensions", None)
    request = httpclient.HTTPRequest(
        url=url, headers=headers, connect_timeout=30, request_timeout=HANDSHAKE_SECONDS
    )
    socket = handler.unix_socket
    connection = Connection(
        request=httpclient._RequestProxy(request, httpclient.HTTPRequest._DEFAULTS),
        on_message_callback=said,
        on_ping_callback=pinged,
        compression_options=None,
        max_message_size=MESSAGE_BYTES,
        subprotocols=handler._requested_subprotocols,
        **({"resolver": UnixResolver(socket)} if socket else {}),
    )
    return await connection.connect_future
