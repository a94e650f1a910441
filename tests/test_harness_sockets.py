"""The harness's websockets are those of a page: pings are answered, an end is told."""

import base64
import hashlib
import re
import socket
import struct
from collections.abc import Iterator
from threading import Thread

import pytest
import websocket

from jhub_testing.client import Client
from jhub_testing.sockets import received
from jhub_testing.waiting import PATIENCE

PING, PONG, TEXT, CLOSE = 0x89, 0x8A, 0x81, 0x88
_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Peer:
    """The other end of one websocket (RFC 6455)."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/"
        self._thread = Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        self._other, _ = self._listener.accept()
        self._other.settimeout(PATIENCE)
        asked = b""
        while b"\r\n\r\n" not in asked:
            asked += self._other.recv(4096)
        key = re.search(rb"Sec-WebSocket-Key: (\S+)", asked)
        assert key
        accept = base64.b64encode(hashlib.sha1(key[1] + _MAGIC).digest())  # noqa: S324
        self._other.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )

    def open(self) -> websocket.WebSocket:
        """The page's end."""
        opened = Client(self.url).websocket("socket")
        self._thread.join()
        return opened

    def say(self, kind: int, data: bytes) -> None:
        """Send a frame."""
        self._other.sendall(bytes([kind, len(data)]) + data)

    def hear(self) -> tuple[int, bytes]:
        """The next frame of the page's."""
        kind, length = self._read(2)
        mask, data = self._read(4), self._read(length & 0x7F)
        return kind, bytes(one ^ mask[at % 4] for at, one in enumerate(data))

    def _read(self, count: int) -> bytes:
        read = b""
        while len(read) < count:
            read += self._other.recv(count - len(read))
        return read

    def close(self) -> None:
        """Cut it."""
        self._other.close()
        self._listener.close()


@pytest.fixture
def peer() -> Iterator[Peer]:
    peer = Peer()
    yield peer
    peer.close()


def test_a_ping_is_answered_while_nobody_waits_for_a_message(peer: Peer) -> None:
    opened = peer.open()
    peer.say(TEXT, b"before")
    peer.say(PING, b"there?")
    assert peer.hear() == (PONG, b"there?")
    peer.say(TEXT, b"after")
    assert [received(opened, "word") for _ in range(2)] == ["before", "after"]
    opened.ping("and you?")
    assert peer.hear() == (PING, b"and you?")
    peer.say(PONG, b"and you?")
    assert opened.recv_data(control_frame=True) == (websocket.ABNF.OPCODE_PONG, b"and you?")
    opened.close(timeout=0)
    assert peer.hear()[0] == CLOSE


def test_who_waits_in_vain_reads_why(peer: Peer) -> None:
    opened = peer.open()
    peer.say(CLOSE, struct.pack("!H", 1011) + b"no answer")
    with pytest.raises(AssertionError, match=r"closed \(1011 no answer\), no word came"):
        received(opened, "word")
    assert peer.hear()[0] == CLOSE
    peer.close()
    for _ in range(2):
        with pytest.raises(AssertionError, match="the socket was cut, no word came"):
            received(opened, "word")
