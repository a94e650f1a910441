"""The health check: what it takes for well of a server, an engine's ping and a file's age."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from hub_config import health


class Served(BaseHTTPRequestHandler):
    """A server that is well below one path."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path in ("/team/hub/health", "/_ping") else 503)
        self.end_headers()
        self.wfile.write(b"no room\n")

    def address_string(self) -> str:
        return ""

    def log_message(self, *_: object) -> None:
        """Be quiet."""


class UnixServer(HTTPServer):
    """The same at a socket of the file system."""

    address_family = socket.AF_UNIX

    def server_bind(self) -> None:
        self.socket.bind(str(self.server_address))


@pytest.fixture(autouse=True)
def own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "URL_FILE", str(tmp_path / "url"))


@pytest.fixture
def serve() -> Iterator[Callable[[HTTPServer], None]]:
    served = []

    def start(server: HTTPServer) -> None:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        served.append((server, thread))

    yield start
    for server, thread in served:
        server.shutdown()
        thread.join()
        server.server_close()


def test_nothing_is_well_before_it_is_said_what_to_ask() -> None:
    assert health.main() == 1


def test_a_server_is_well_that_says_so(
    serve: Callable[[HTTPServer], None], capsys: pytest.CaptureFixture[str]
) -> None:
    server = HTTPServer(("127.0.0.1", 0), Served)
    serve(server)
    health.check(f"http://127.0.0.1:{server.server_port}/team/hub/health")
    assert health.main() == 0
    health.check(f"http://127.0.0.1:{server.server_port}/hub/health")
    assert health.main() == 1
    assert capsys.readouterr().out == "no room\n\n"
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        health.check(f"http://127.0.0.1:{nobody.getsockname()[1]}/hub/health")
        assert health.main() == 1


def test_an_engine_is_well_that_answers_a_ping(
    tmp_path: Path, serve: Callable[[HTTPServer], None]
) -> None:
    own = tmp_path / "engine.sock"
    health.check(f"unix:{own}")
    assert health.main() == 1
    serve(UnixServer(str(own), Served))  # type: ignore[arg-type]  it wants host and port
    assert health.main() == 0


def test_a_file_is_well_while_it_is_touched(tmp_path: Path) -> None:
    touched = tmp_path / "seen"
    touched.touch()
    health.check(touched.as_uri())
    assert health.main() == 0
    long_ago = touched.stat().st_mtime - health.FRESH - 1
    os.utime(touched, (long_ago, long_ago))
    assert health.main() == 1
