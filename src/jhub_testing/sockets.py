"""Websockets: what comes on one, and those that are open and idle, as a browser's tabs keep them
for hours.
"""

import websocket

from jhub_testing.client import Client

PATH = "api/events/subscribe"
"""Jupyter Server's stream of events: nothing comes on it by itself."""


def received(socket: websocket.WebSocket, wanted: str) -> str | bytes:
    """The next message on a socket, which is to be `wanted`.

    Raises AssertionError when the other end closes, with its number and reason (RFC 6455, 7.4).
    """
    try:
        code, data = socket.recv_data()
    except (websocket.WebSocketConnectionClosedException, OSError) as error:
        raise AssertionError(f"the socket was cut, no {wanted} came: {error}") from None
    if code == websocket.ABNF.OPCODE_CLOSE:
        number, reason = int.from_bytes(data[:2], "big"), data[2:].decode(errors="replace")
        raise AssertionError(f"the socket was closed ({number} {reason}), no {wanted} came")
    return data.decode() if code == websocket.ABNF.OPCODE_TEXT else bytes(data)


class IdleSockets:
    """So many open websockets to one server; leaving closes them."""

    def __init__(self, client: Client, count: int) -> None:
        self.client, self.count = client, count

    def __enter__(self) -> "IdleSockets":
        self._open = [self.client.websocket(PATH) for _ in range(self.count)]
        return self

    def __exit__(self, *_: object) -> None:
        for socket in self._open:
            socket.close()

    def dropped(self) -> int:
        """How many of them the other end no longer answers on."""
        return sum(not _answers(socket) for socket in self._open)


def _answers(socket: websocket.WebSocket) -> bool:
    """Whether a ping comes back (RFC 6455, 5.5.2)."""
    try:
        socket.ping("still there?")
        while True:
            code, _ = socket.recv_data(control_frame=True)
            if code == websocket.ABNF.OPCODE_PONG:
                return True
            if code == websocket.ABNF.OPCODE_CLOSE:
                return False
    except (websocket.WebSocketException, OSError):
        return False
