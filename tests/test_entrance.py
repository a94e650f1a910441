"""Whether a hub answers, and what is the proxy's word while there is none."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from jhub_docker.platform import hearing


class Answer(BaseHTTPRequestHandler):
    """503 with a message: of a hub whose disk is full, or of the proxy while there is no hub."""

    def do_GET(self) -> None:
        self.send_response(503)
        if self.path == "/away":
            self.send_header("Retry-After", "10")
        self.end_headers()
        self.wfile.write(b'{"status": 503, "message": "The disk is full."}')

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_hub_that_complains_answers_and_a_proxy_without_one_does_not(url: str) -> None:
    """Else `up`, `upgrade` and rotations would be done before the hub is there."""
    assert hearing.heard(f"{url}/full") == ("", "The disk is full.")
    assert hearing.heard(f"{url}/away") == ("status 503", "")
    sent = [sys.executable, "-I", "-", f"{url}/full"]
    program = Path(hearing.__file__).read_text("utf-8")
    told = subprocess.run(sent, input=program, capture_output=True, text=True, check=True).stdout
    assert json.loads(told) == ["", "The disk is full."]
