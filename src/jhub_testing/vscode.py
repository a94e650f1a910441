"""A terminal in VS Code, opened through its websocket as the editor in a browser opens it.

The messages are those of code-server 4.139 (VS Code's src/vs/base/parts/ipc: `ipc.net.ts`, the
persistent protocol, and `ipc.ts`, the channels on it; `remoteTerminalChannel.ts`, the terminal).
"""

import json
import re
import struct
import uuid
from collections.abc import Iterator
from typing import Any

from jhub_testing import probes
from jhub_testing.client import Client
from jhub_testing.sockets import received

_REGULAR, _CONTROL = 1, 2
_CALL, _LISTEN = 100, 102
_SUCCESS, _EVENT = 201, 204
_MANAGEMENT = 1
_CHANNEL = "remoteterminal"


class VsCodeTerminal:
    """A shell in the editor; entering opens it, leaving closes the connection it is on."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._sent = self._received = self._requests = 0
        self._buffer = b""

    def __enter__(self) -> "VsCodeTerminal":
        self._socket = self.client.websocket(f"vscode/{self._version()}?{_query()}")
        self._handshake()
        self._send(_encoded({"remoteAuthority": "test", "clientId": uuid.uuid4().hex}))
        self._request(_LISTEN, "$onProcessDataEvent", None)
        self._shell = self._call("$createProcess", _process())["persistentTerminalId"]
        self._call("$start", [self._shell])
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def run(self, command: str, answer: str) -> None:
        """Type a command and read the terminal until `answer` is on it.

        `answer` must not be part of the command, which the terminal shows as it is typed.
        """
        self._request(_CALL, "$input", [self._shell, f"{command}\r"])
        shown = ""
        for kind, _, body in self._messages():
            if kind == _EVENT and body["id"] == self._shell:
                event = body["event"]
                shown += event if isinstance(event, str) else event["data"]
                if answer in shown:
                    return

    def _version(self) -> str:
        html = probes.page(self.client, "/vscode/")
        found = re.search(r"\b((?:stable|oss)-[0-9a-f]{40})\b", html)
        assert found, f"/vscode/ does not tell its own version: {html[:300]}"
        self._commit = found[1].partition("-")[2]
        return found[1]

    def _handshake(self) -> None:
        self._control(type="auth", auth="0" * 20, data="probe")
        sign = self._read_control()
        assert sign["type"] == "sign", f"VS Code's server refused: {sign}"
        self._control(
            type="connectionType",
            commit=self._commit,
            signedData=sign["data"],
            desiredConnectionType=_MANAGEMENT,
        )
        answer = self._read_control()
        assert answer["type"] == "ok", f"VS Code's server refused: {answer}"

    # -- channels ----------------------------------------------------------------------------

    def _call(self, name: str, argument: object) -> Any:
        wanted = self._request(_CALL, name, argument)
        for kind, number, body in self._messages():
            if number == wanted and kind != _EVENT:
                assert kind == _SUCCESS, f"VS Code's {name} failed: {body}"
                return body
        raise AssertionError("VS Code's socket closed")

    def _request(self, kind: int, name: str, argument: object) -> int:
        self._requests += 1
        self._send(_encoded([kind, self._requests, _CHANNEL, name]) + _encoded(argument))
        return self._requests

    def _messages(self) -> Iterator[tuple[int, int, Any]]:
        """Kind, number of the request, and body of what the server sends."""
        while True:
            kind, data = self._read()
            if kind == _REGULAR:
                header, rest = _decoded(data)
                if len(header) == 2:
                    yield header[0], header[1], _decoded(rest)[0]

    # -- frames ------------------------------------------------------------------------------

    def _control(self, **message: Any) -> None:
        self._frame(_CONTROL, 0, json.dumps(message).encode())

    def _read_control(self) -> Any:
        while True:
            kind, data = self._read()
            if kind == _CONTROL:
                return json.loads(data)

    def _send(self, data: bytes) -> None:
        self._sent += 1
        self._frame(_REGULAR, self._sent, data)

    def _frame(self, kind: int, number: int, data: bytes) -> None:
        header = struct.pack(">BIII", kind, number, self._received, len(data))
        self._socket.send_binary(header + data)

    def _read(self) -> tuple[int, bytes]:
        """The next message; the socket's own messages may hold several, or part of one."""
        kind, number, _, length = struct.unpack(">BIII", self._take(13))
        self._received = max(self._received, number)
        return kind, self._take(length)

    def _take(self, count: int) -> bytes:
        while len(self._buffer) < count:
            part = received(self._socket, "message of VS Code")
            assert isinstance(part, bytes), f"VS Code's socket said {part!r}"
            self._buffer += part
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return taken


def _query() -> str:
    return f"reconnectionToken={uuid.uuid4()}&reconnection=false&skipWebSocketFrames=false"


def _process() -> dict[str, Any]:
    return {
        "configuration": {},
        "resolvedVariables": {},
        "envVariableCollections": [],
        "shellLaunchConfig": {"executable": "/bin/sh", "args": []},
        "workspaceId": "test",
        "workspaceName": "test",
        "workspaceFolders": [],
        "shouldPersistTerminal": False,
        "options": {"shellIntegration": {"enabled": False}},
        "cols": 80,
        "rows": 24,
        "unicodeVersion": "11",
        "resolverEnv": {},
    }


def _encoded(value: object) -> bytes:
    """`serialize` of ipc.ts, for what is sent here."""
    if value is None:
        return b"\0"
    if isinstance(value, str):
        return b"\1" + _length(len(value.encode())) + value.encode()
    if isinstance(value, int):
        return b"\6" + _length(value)
    if isinstance(value, list):
        return b"\4" + _length(len(value)) + b"".join(map(_encoded, value))
    text = json.dumps(value).encode()
    return b"\5" + _length(len(text)) + text


def _decoded(data: bytes) -> tuple[Any, bytes]:
    """`deserialize` of ipc.ts: one value, and what follows it."""
    kind, data = data[0], data[1:]
    if kind == 0:
        return None, data
    number, data = _number(data)
    match kind:
        case 6:
            return number, data
        case 4:
            values = []
            for _ in range(number):
                value, data = _decoded(data)
                values.append(value)
            return values, data
        case 1:
            return data[:number].decode(), data[number:]
        case 5:
            return json.loads(data[:number]), data[number:]
    return data[:number], data[number:]


def _length(value: int) -> bytes:
    """A number in groups of seven bits, the lowest first."""
    groups = bytearray()
    while True:
        value, low = value >> 7, value & 0x7F
        groups.append(low | (0x80 if value else 0))
        if not value:
            return bytes(groups)


def _number(data: bytes) -> tuple[int, bytes]:
    value = shift = 0
    for index, byte in enumerate(data):
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return value, data[index + 1 :]
    raise AssertionError("VS Code's message ends within a number")
