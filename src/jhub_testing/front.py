"""What stands before a platform, as real programs on this machine, and a small peer behind them.

No engine is needed: Caddy is started as compose.entrance.yaml starts it, with places of its own.
"""

import base64
import hashlib
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import websocket

from jhub_docker.platform.ports import free_port
from jhub_testing.waiting import PATIENCE, wait_until

_MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""What a websocket's key is answered with (RFC 6455, 1.3)."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "Peer"

    def do_GET(self) -> None:
        """The request's headers, or a websocket on which everything comes back."""
        if self.headers.get("Upgrade", "").lower() == "websocket":
            return self._echo()
        self.send_response(200)
        answer = json.dumps({name.lower(): value for name, value in self.headers.items()})
        self.send_header("Content-Length", str(len(answer)))
        self.send_header("Set-Cookie", "one=1; Path=/")
        self.send_header("Set-Cookie", "two=2")
        self.end_headers()
        self.wfile.write(answer.encode())
        return None

    def do_PUT(self) -> None:
        """Count what comes, and say each time that it came."""
        left = int(self.headers["Content-Length"])
        while left and (data := self.rfile.read1(min(left, 65536))):
            left -= len(data)
            with self.server.more:
                self.server.arrived += len(data)
                self.server.more.notify_all()
        self.send_response(204)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _echo(self) -> None:
        key = self.headers["Sec-WebSocket-Key"] + _MAGIC
        accept = base64.b64encode(hashlib.sha1(key.encode()).digest())  # noqa: S324 - the protocol's
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", accept.decode())
        self.end_headers()
        with suppress(OSError):
            while data := self.connection.recv(65536):
                self.connection.sendall(data)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Nothing: what matters is what the visitor sees."""


class Peer(ThreadingHTTPServer):
    """Shows what comes through: headers, bytes of an upload as they arrive, websockets."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.arrived, self.more = 0, threading.Condition()

    def wait_for(self, size: int) -> None:
        """Wait until so many bytes of uploads have come in all."""
        with self.more:
            there = self.more.wait_for(lambda: self.arrived >= size, PATIENCE)
        assert there, f"{self.arrived} of {size} bytes came through"


@contextmanager
def peer() -> Iterator[Peer]:
    """A peer that answers."""
    with Peer() as one:
        thread = threading.Thread(target=one.serve_forever)
        thread.start()
        yield one
        one.shutdown()
        thread.join()


def executable(name: str) -> str:
    """A program of a wheel that the tests' environment has."""
    found = shutil.which(name, path=str(Path(sys.executable).parent))
    assert found, f"{name} is not in this environment"
    return found


@contextmanager
def running(
    command: list[str], folder: Path, environment: Mapping[str, str] | None = None
) -> Iterator[Path]:
    """A program that runs, ended at the end; yields the file with what it says."""
    log = folder / "log"
    with (
        log.open("wb") as said,
        subprocess.Popen(
            command, stdout=said, stderr=said, env=environment, cwd=folder, start_new_session=True
        ) as process,
    ):
        try:
            yield log
        finally:
            process.terminate()
            with suppress(ProcessLookupError):
                os.killpg(process.pid, 15)


def block(root: Path, name: str) -> str:
    """The text of a variable of Caddy's service, as Compose hands it over."""
    text = (root / "compose.entrance.yaml").read_text("utf-8")
    found = re.search(rf"^      {name}: \|\n((?:        .*\n|\n)+)", text, re.MULTILINE)
    assert found, name
    return textwrap.dedent(found[1]).replace("$$", "$")


class Caddy:
    """The platform's own Caddy before a peer, with the settings that are given."""

    def __init__(
        self,
        root: Path,
        folder: Path,
        upstream: int,
        instead: Mapping[str, str] | None = None,
        **settings: str,
    ) -> None:
        """`instead` is what stands in the place of texts of its start and configuration."""
        self.root, self.folder, self.settings, self.instead = root, folder, settings, instead or {}
        self.upstream = upstream
        self.port, self.http_port = free_port(), free_port()
        self.name = settings.pop("JHUB_DOMAIN", "localhost")
        self.tls = folder / "tls"
        self.tls.mkdir(exist_ok=True)

    @contextmanager
    def running(self) -> Iterator["Caddy"]:
        """Start it as the service does."""
        given = {
            **os.environ,
            "XDG_DATA_HOME": str(self.folder / "data"),
            "XDG_CONFIG_HOME": str(self.folder),
            "JHUB_TLS": "files",
            "JHUB_HTTP_PORT": str(self.http_port),
            "JHUB_HTTPS_PORT": str(self.port),
            "SITES": self.name,
            "CADDYFILE": self._here(block(self.root, "CADDYFILE")),
            **self.settings,
        }
        given["PATH"] = f"{Path(executable('caddy')).parent}:{given['PATH']}"
        with running(["sh", "-c", self._here(block(self.root, "START"))], self.folder, given):
            yield self

    def _here(self, text: str) -> str:
        places = {
            "/etc/tls": str(self.tls),
            "/tmp/": f"{self.folder}/",  # noqa: S108 - the container's
            "sleep 10": "sleep 1",
            "proxy:8000": f"127.0.0.1:{self.upstream}",
            **self.instead,
        }
        return re.sub("|".join(places), lambda found: places[found[0]], text)

    def serial(self, context: ssl.SSLContext) -> str:
        """The serial number of the certificate it shows now."""
        with self.connect(context) as secure:
            return str((secure.getpeercert() or {})["serialNumber"])

    def connect(self, context: ssl.SSLContext) -> ssl.SSLSocket:
        """A connection to it that asks for its name."""
        plain = socket.create_connection(("127.0.0.1", self.port), PATIENCE)
        return context.wrap_socket(plain, server_hostname=self.name)

    def wait_until_open(self, context: ssl.SSLContext) -> None:
        """Wait until it shows a certificate that is trusted."""
        wait_until(lambda: self.serial(context), "Caddy's certificate", ignoring=OSError)


def echo(url: str, context: ssl.SSLContext) -> websocket.WebSocket:
    """An open websocket, which gives everything back."""
    opened = websocket.create_connection(
        url, timeout=PATIENCE, sslopt={"context": context}, http_no_proxy=["*"]
    )
    assert says_again(opened)
    return opened


def says_again(opened: websocket.WebSocket) -> bool:
    """Whether what is sent comes back."""
    opened.send("anybody there?")
    return bool(opened.recv() == "anybody there?")
