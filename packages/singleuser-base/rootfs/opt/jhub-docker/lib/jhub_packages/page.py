"""`my-packages serve SOCKET`: the page behind the launcher's tile, on a socket of the proxy."""

from __future__ import annotations

import secrets
import socket
import subprocess
from collections.abc import Sequence
from html import escape
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs

PROGRAM = "/usr/local/bin/my-packages"
ACTIONS = {
    "move": ("Install them for this Python", ""),
    "reset": ("Remove all of them", "Remove everything you added to this image?"),
}
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>My packages</title>
<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
<style>body{{font:1rem/1.5 system-ui;max-width:46rem;margin:2rem auto;padding:0 1rem}}
pre{{white-space:pre-wrap}}button{{font:inherit;padding:.3rem .8rem;margin-right:.5rem}}</style>
<main><h1>My packages</h1>
<p>What comes with the image is fixed. What you add is yours: it stays, and it never breaks the
image. Add a package with <code>pip install NAME</code> or <code>uv pip install NAME</code> in a
terminal, with <code>%pip install NAME</code> in a notebook.</p>
<pre role="status">{said}</pre><form method="post"><input type="hidden" name="key" value="{key}">
{buttons}</form></main></html>"""


def html(said: str, key: str, actions: Sequence[str]) -> str:
    """The page with what `my-packages` says."""
    buttons = "".join(
        f'<button name="action" value="{name}" data-ask="{escape(ACTIONS[name][1])}"'
        ' onclick="return !this.dataset.ask || confirm(this.dataset.ask)">'
        f"{ACTIONS[name][0]}</button>"
        for name in actions
    )
    return PAGE.format(said=escape(said), key=key, buttons=buttons)


def run(*command: str) -> str:
    """What the command says, on both streams."""
    done = subprocess.run(
        [PROGRAM, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout


class Handler(BaseHTTPRequestHandler):
    """Shows what is there, and does what a button of that page says."""

    key = secrets.token_urlsafe()

    def do_GET(self) -> None:
        """The page."""
        self._show(run())

    def do_POST(self) -> None:
        """One action; the key is one that only the page knows."""
        length = int(self.headers.get("Content-Length", 0))
        form = parse_qs(self.rfile.read(length).decode())
        action = form.get("action", [""])[0]
        if form.get("key") != [self.key] or action not in ACTIONS:
            self.send_error(403)
            return
        self._show(f"{run(action)}\n{run()}")

    def _show(self, said: str) -> None:
        actions = ["reset"] if "my-packages move" not in said else ["move", "reset"]
        body = html(said, self.key, actions).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """The proxy in front has a log of its own."""


class Server(HTTPServer):
    """On a socket that only this person can open."""

    address_family = socket.AF_UNIX

    def server_bind(self) -> None:
        """HTTPServer would ask for the name of a host."""
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = "localhost", 0

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        """A connection; sockets of this kind have no address."""
        return self.socket.accept()[0], ("", 0)


def serve(path: str) -> None:
    """Answer until the server ends."""
    Server(path, Handler).serve_forever()  # type: ignore[arg-type]
