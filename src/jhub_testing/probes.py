"""Does an interface work: its page, recognised by what is in it, and the websocket behind it.

A page is never judged by its status alone: a redirect to a log-in page is a 200 too, and an editor
whose socket does not open shows a page that can do nothing.
"""

import json
import re
import struct
import uuid
from collections.abc import Callable
from urllib.parse import urljoin, urlsplit

from jhub_testing.client import Client
from jhub_testing.kernel import Kernel
from jhub_testing.sockets import received
from jhub_testing.waiting import PATIENCE

Probe = Callable[[Client], None]
"""A probe asks one thing of a running server and raises AssertionError when it fails."""

_MARKS: dict[str, tuple[str, ...]] = {
    "lab": ('id="jupyter-config-data"', '"appName":'),
    "vscode": ('id="vscode-workbench-web-configuration"', "code-server"),
    "marimo": ("<marimo-filename", "marimo"),
}
"""What is in the page of an interface and in no other, by the first part of its path."""


def page(client: Client, path: str) -> str:
    """The interface's page after all redirects; raises AssertionError when it is another one.

    Of an interface that is not known here it has to be HTML at the path itself or below it, where
    no log-in page is.
    """
    answer = client.get(path)
    name = _name(path)
    where = f"/{name}: {answer.url} ({answer.status_code})"
    assert answer.status_code == 200, f"{where}: {answer.text[:300]}"
    for mark in _MARKS.get(name, ("<html",)):
        assert mark in answer.text, f"{where} has no {mark!r}: {answer.text[:300]}"
    asked, shown = (urlsplit(url).path.rstrip("/") for url in (client.url(path), answer.url))
    assert f"{shown}/".startswith(f"{asked}/"), f"{where} is not below {asked}"
    return answer.text


def works(client: Client, path: str) -> None:
    """What is behind the interface at `path` does its work.

    Of one that is not known here that is a kernel, where the server has any. JupyterLab's launcher
    may have the other interfaces.
    """
    name = _name(path)
    launched = proxied(client) & _BEHIND.keys() if name == "lab" else set[str]()
    for one in (name, *sorted(launched)):
        for probe in _BEHIND.get(one, (computes_if_it_can,)):
            probe(client)


def static_files(client: Client, path: str) -> None:
    """A script of the page comes compressed to who accepts that, and is kept by the browser."""
    html = page(client, path)
    found = re.search(r'<script[^>]* src="([^"]*/(?:assets|static/lab)/[^"]+)"', html)
    assert found, f"{path} loads no script: {html[:300]}"
    url = urljoin(client.url(path.rstrip("/") + "/"), found[1])
    answers = {}
    for coding in ("gzip", "br", "identity"):
        accepts = {"Accept-Encoding": coding}
        answers[coding] = client.session.get(url, headers=accepts, stream=True, timeout=PATIENCE)
    for coding, answer in answers.items():
        headers = answer.headers
        assert answer.status_code == 200, f"{url}: {answer.status_code}"
        assert headers.get("Content-Encoding", "identity") == coding, f"{url}: {dict(headers)}"
        assert "immutable" in headers["Cache-Control"], f"{url}: {dict(headers)}"
        assert headers["Vary"] == "Accept-Encoding", f"{url}: {dict(headers)}"
    sizes = {coding: len(answer.raw.read()) for coding, answer in answers.items()}
    assert sizes["br"] < sizes["gzip"] < sizes["identity"], f"{url}: {sizes}"
    assert answers["gzip"].headers["Content-Type"] == answers["identity"].headers["Content-Type"]


def _name(path: str) -> str:
    return path.strip("/").partition("/")[0]


def computes(client: Client) -> None:
    """A kernel answers 1+1 over its websocket."""
    with Kernel(client) as kernel:
        answer = kernel.execute("1+1")
    assert answer == "2", f"a kernel was asked 1+1 and answered {answer!r}"


def computes_if_it_can(client: Client) -> None:
    """A kernel answers, where the server says that it has one."""
    answer = client.get("api/kernelspecs")
    if answer.status_code == 200 and answer.json()["kernelspecs"]:
        computes(client)


def vscode_socket(client: Client) -> None:
    """VS Code's own socket opens and the server answers the first message of the handshake.

    The frame is VS Code's: type, id, ack and length, then JSON (microsoft/vscode,
    src/vs/base/parts/ipc/common/ipc.net.ts, ProtocolMessageType.Control = 2); the client says
    `auth`, the server answers `sign` (src/vs/server/node/remoteExtensionHostAgentServer.ts).
    """
    html = page(client, "/vscode/")
    found = re.search(r"\b((?:stable|oss)-[0-9a-f]{40})\b", html)
    assert found, f"/vscode/ does not tell its own version: {html[:300]}"
    query = f"reconnectionToken={uuid.uuid4()}&reconnection=false&skipWebSocketFrames=false"
    socket = client.websocket(f"vscode/{found[1]}?{query}")
    hello = json.dumps({"type": "auth", "auth": "0" * 20, "data": "probe"}).encode()
    socket.send_binary(struct.pack(">BIII", 2, 0, 0, len(hello)) + hello)
    said = b""
    while b'"type":"sign"' not in said:
        part = received(socket, f"answer of VS Code after {said!r}")
        said += part if isinstance(part, bytes) else part.encode()
        assert b'"type":"error"' not in said, f"VS Code's server refused: {said!r}"
    socket.close()


def marimo_socket(client: Client) -> None:
    """marimo's socket opens for a new notebook and its kernel says that it is ready."""
    page(client, "/marimo/")
    session = f"s_{uuid.uuid4().hex[:6]}"
    socket = client.websocket(f"marimo/ws?session_id={session}&file=__new__{session}")
    seen: list[str] = []
    while "kernel-ready" not in seen:
        message = received(socket, f"kernel-ready of marimo after {seen}")
        seen.append(json.loads(message)["op"])
    socket.close()


def marimo_terminal(client: Client) -> None:
    """marimo's terminal runs what is typed into it."""
    socket = client.websocket("marimo/terminal/ws")
    socket.send("echo answer=$((40+2))\n")
    shown = ""
    while "answer=42" not in shown:
        part = received(socket, f"answer of marimo's terminal after {shown!r}")
        shown += part if isinstance(part, str) else part.decode(errors="replace")
    socket.close()


def terminal(client: Client) -> None:
    """Jupyter's terminal runs what is typed into it."""
    answer = client.post("api/terminals")
    assert answer.status_code == 200, f"no terminal: {answer.status_code} {answer.text[:300]}"
    name = answer.json()["name"]
    socket = client.websocket(f"terminals/websocket/{name}")
    socket.send(json.dumps(["stdin", "echo answer=$((40+2))\n"]))
    shown = ""
    while "answer=42" not in shown:
        message = json.loads(received(socket, f"answer of the terminal after {shown!r}"))
        shown += message[1] if message[0] == "stdout" else ""
    socket.close()
    client.delete(f"api/terminals/{name}")


def proxied(client: Client) -> set[str]:
    """The names of what jupyter-server-proxy, where there is one, offers in the launcher."""
    answer = client.get("server-proxy/servers-info")
    if answer.status_code == 404:
        return set()
    assert answer.status_code == 200, f"server-proxy: {answer.status_code} {answer.text[:300]}"
    entries = answer.json()["server_processes"]
    return {entry["name"] for entry in entries if entry["launcher_entry"]["enabled"]}


_BEHIND: dict[str, tuple[Probe, ...]] = {
    "lab": (computes, terminal),
    "vscode": (vscode_socket, computes),
    "marimo": (marimo_socket, marimo_terminal),
}
"""What has to work behind an interface, by the first part of its path."""
