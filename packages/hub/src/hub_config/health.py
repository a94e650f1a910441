"""The health check of hub, filter and guard: asks what they wrote down. Standard library only.

Run as a file with `-I -S`, so that it takes a few milliseconds and no proxy variable matters.
A URL `unix:/path` stands for the ping of an engine that listens there, `file:///path` for a file
that is touched every few seconds.
"""

import http.client
import socket
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

URL_FILE = Path("/tmp/health-url")  # noqa: S108  a tmpfs of the container's own
OK = 200

ANSWER_SECONDS = 20
"""How long an answer may take: on a busy machine seconds pass, and all is well."""

FRESH = 60.0
"""Seconds after which a file that is touched while all is well tells that it is not."""


def main() -> int:
    """0 when healthy, 1 when not."""
    try:
        url = urlsplit(URL_FILE.read_text(encoding="ascii"))
        if url.scheme == "file":
            return 0 if time.time() - Path(url.path).stat().st_mtime < FRESH else 1
        connection = http.client.HTTPConnection(url.netloc or "localhost", timeout=ANSWER_SECONDS)
        if url.scheme == "unix":
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.settimeout(ANSWER_SECONDS)
            connection.sock.connect(url.path)
        connection.request("GET", "/_ping" if url.scheme == "unix" else url.path)
        answer = connection.getresponse()
        if answer.status != OK:
            print(answer.read(1000).decode(errors="replace"))  # `docker inspect` shows it
        return 0 if answer.status == OK else 1
    except OSError:
        return 1


if __name__ == "__main__":
    sys.exit(main())
