"""The health check of hub and filter: asks what they wrote down. Standard library only.

Run as a file with `-I -S`, so that it takes a few milliseconds and no proxy variable matters.
A URL `unix:/path` stands for the ping of an engine that listens there.
"""

import http.client
import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit

URL_FILE = Path("/tmp/health-url")  # noqa: S108  a tmpfs of the container's own
OK = 200


def main() -> int:
    """0 when healthy, 1 when not."""
    try:
        url = urlsplit(URL_FILE.read_text(encoding="ascii"))
        connection = http.client.HTTPConnection(url.netloc or "localhost", timeout=3)
        if url.scheme == "unix":
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.settimeout(3)
            connection.sock.connect(url.path)
        connection.request("GET", "/_ping" if url.scheme == "unix" else url.path)
        return 0 if connection.getresponse().status == OK else 1
    except OSError:
        return 1


if __name__ == "__main__":
    sys.exit(main())
