"""A TCP port before a registry that tells what was asked for, holds blobs back, and breaks.

It passes everything on unchanged and reads requests only to count them and to strike at the right
one. TLS goes through unread: nothing is recorded then, and no fault strikes.
"""

import re
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO, Literal
from urllib.parse import unquote

_HELD_AFTER = 2**20
"""Bytes that pass a closed gate, so that a pull has begun to move; the engine tells of it only
after a hundredth of the layer."""

_TLS = b"\x16"
"""The first byte of a TLS handshake."""

_LENGTH = re.compile(rb"^content-length: *(\d+)\s*$", re.IGNORECASE | re.MULTILINE)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER on, for no time: closing sends a reset instead of an orderly end."""

Way = Literal["503", "429", "cut", "cut the answer", "stall"]
"""How a request fails: a status, the connection ends in the middle of what is sent or answered, or
nothing comes back at all."""


@dataclass(frozen=True)
class Request:
    """A request's method, target with its query, and the length of its body in bytes."""

    method: str
    target: str
    length: int

    @property
    def digest(self) -> str:
        """The digest in the address; that of a blob which is uploaded is in its query."""
        found = _DIGEST.search(unquote(self.target))
        return found.group() if found else ""


@dataclass
class _Fault:
    matches: Callable[[Request], bool]
    way: Way
    left: int


class Gate:
    """Passes on to a registry on this machine; a closed one holds blobs back in the middle.

    `requests` is what was asked for, in order; `sent` the bytes of bodies that got through.
    """

    def __init__(self, behind: int) -> None:
        """`behind` is the port of the registry."""
        self._behind = behind
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.requests: list[Request] = []
        self.sent = 0
        self._faults: list[_Fault] = []
        self._open = threading.Event()
        self._open.set()

    @property
    def blobs(self) -> list[str]:
        """The digests of the blobs that were asked for, in order."""
        return [
            request.digest
            for request in self.requests
            if request.method == "GET" and "/blobs/sha256:" in request.target
        ]

    @property
    def uploads(self) -> list[str]:
        """The digests of the blobs whose upload began, in order."""
        return [
            request.digest
            for request in self.requests
            if request.method == "PUT" and "/blobs/uploads/" in request.target
        ]

    def start(self) -> None:
        """Take connections from now on."""
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        """Take no more connections."""
        self._open.set()
        # A thread that waits for a connection would keep a socket that is only closed.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def close(self) -> None:
        """Hold back blobs, and forget what was asked for."""
        self.forget()
        self._open.clear()

    def open(self) -> None:
        """Let everything pass."""
        self._open.set()

    def forget(self) -> None:
        """Forget what was asked for and sent so far."""
        self.requests.clear()
        self.sent = 0

    def fail(self, matches: Callable[[Request], bool], way: Way, times: int = 1) -> None:
        """Let the next `times` requests that match fail."""
        self._faults.append(_Fault(matches, way, times))

    def mend(self) -> None:
        """Let no further request fail."""
        self._faults.clear()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                try:
                    server = socket.create_connection(("127.0.0.1", self._behind))
                except ConnectionRefusedError:  # the registry is still starting
                    client.close()
                    continue
                cut = threading.Event()
                for way in (self._requests, self._answers):
                    threading.Thread(target=way, args=(client, server, cut), daemon=True).start()

    def _requests(self, client: socket.socket, server: socket.socket, cut: threading.Event) -> None:
        with suppress(OSError), client.makefile("rb") as stream:
            if client.recv(1, socket.MSG_PEEK) == _TLS:
                _pass(stream, server)
            while head := _head(stream):
                method, target, _ = head.decode("latin-1").split(" ", 2)
                length = _LENGTH.search(head)
                request = Request(method, target, int(length.group(1)) if length else 0)
                self.requests.append(request)
                fault = self._strikes(request)
                if fault in ("503", "429"):
                    stream.read(request.length)
                    client.sendall(f"HTTP/1.1 {fault} Later\r\nContent-Length: 0\r\n\r\n".encode())
                    continue
                if fault == "cut":
                    # What has no body is cut in its head, so that the registry never answers it.
                    server.sendall(head if request.length else head[: len(head) // 2])
                    self._body(stream, server, request.length // 2)
                    _reset(client)
                    _reset(server)
                    return
                if fault == "stall":
                    stream.read()  # until whoever asked has had enough
                    return
                if fault == "cut the answer":
                    cut.set()
                server.sendall(head)
                self._body(stream, server, request.length)
                if b"transfer-encoding: chunked" in head.lower():
                    _pass(stream, server)  # where it ends is not read here
            server.shutdown(socket.SHUT_WR)

    def _body(self, stream: BinaryIO, server: socket.socket, length: int) -> None:
        while length and (data := stream.read(min(length, 65536))):
            length -= len(data)
            self.sent += len(data)
            server.sendall(data)

    def _answers(self, client: socket.socket, server: socket.socket, cut: threading.Event) -> None:
        passed = 0
        with suppress(OSError):
            while data := server.recv(16384):
                passed += len(data)
                if cut.is_set():
                    client.sendall(data[: len(data) // 2])
                    # In order: a reset would take back what was sent, and Go then asks again.
                    client.shutdown(socket.SHUT_RDWR)
                    return
                if passed > _HELD_AFTER:
                    self._open.wait()
                client.sendall(data)
            client.shutdown(socket.SHUT_WR)

    def _strikes(self, request: Request) -> Way | None:
        for fault in self._faults:
            if fault.left and fault.matches(request):
                fault.left -= 1
                return fault.way
        return None


def _head(stream: BinaryIO) -> bytes:
    """The request line and headers, with the empty line after them; nothing at the end."""
    lines = []
    while (line := stream.readline()).strip():
        lines.append(line)
    return b"".join([*lines, line]) if lines else b""


def _pass(stream: BinaryIO, server: socket.socket) -> None:
    while data := stream.read1(65536):  # type: ignore[attr-defined]
        server.sendall(data)


def _reset(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        connection.shutdown(socket.SHUT_RD)
        connection.close()
