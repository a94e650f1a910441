"""The health check of hub, filter and guard: asks what they wrote down. Standard library only.

Run as a file with `-I -S`, and with no module but `socket`: `http.client` and `pathlib` take twice
the CPU of all else in it, several times a minute on each platform.
A URL `unix:/path` stands for the ping of an engine that listens there, `file:///path` for a file
that is touched every few seconds.
"""

import os
import socket
import sys
import time

URL_FILE = "/tmp/health-url"  # noqa: S108  a tmpfs of the container's own

ANSWER_SECONDS = 20
"""How long an answer may take: on a busy machine seconds pass, and all is well."""

FRESH = 60.0
"""Seconds after which a file that is touched while all is well tells that it is not."""


def check(url: str) -> None:
    """From now on the health check asks this one, an ASCII URL."""
    with open(URL_FILE, "w", encoding="ascii") as file:  # noqa: PTH123  no pathlib
        file.write(url)


def checked() -> str:
    """What the health check asks; raises OSError where nothing was said yet."""
    with open(URL_FILE, encoding="ascii") as file:  # noqa: PTH123  no pathlib
        return file.read()


def answer(connection: socket.socket, path: str) -> str:
    """What a server answers, head and body: by HTTP/1.0 it ends the connection behind that."""
    connection.sendall(f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
    with connection.makefile(encoding="utf-8", errors="replace") as told:
        return told.read()


def main() -> int:
    """0 when healthy, 1 when not."""
    try:
        scheme, _, rest = checked().partition(":")
        authority, slash, path = rest.removeprefix("//").partition("/")
        if scheme == "file":
            return 0 if time.time() - os.stat(slash + path).st_mtime < FRESH else 1  # noqa: PTH116
        if scheme == "unix":
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(ANSWER_SECONDS)
            connection.connect(rest)
        else:
            host, _, port = authority.partition(":")
            connection = socket.create_connection((host, int(port)), ANSWER_SECONDS)
        with connection:
            told = answer(connection, "/_ping" if scheme == "unix" else slash + path)
    except OSError:
        return 1
    head, _, body = told.partition("\n\n")  # the text has no carriage returns any more
    if head.split()[1:2] == ["200"]:
        return 0
    print(body[:1000])  # `docker inspect` shows it
    return 1


if __name__ == "__main__":
    sys.exit(main())
