"""A small Debian archive made on the spot, for the machine's real apt to read."""

import functools
import hashlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


def write(
    folder: Path, suite: str, packages: Mapping[str, str], date: datetime, architecture: str
) -> None:
    """Write the suite's indexes (DebianRepository/Format): packages with versions, no files.

    It is not signed: apt believes it where its source says `Trusted: yes`.
    """
    index = "".join(
        f"Package: {name}\nVersion: {version}\nArchitecture: {architecture}\n"
        f"Maintainer: nobody <nobody@invalid>\nDescription: a package\n"
        f"Filename: pool/{name}.deb\nSize: 1\nSHA256: {'0' * 64}\n\n"
        for name, version in packages.items()
    )
    path = f"main/binary-{architecture}/Packages"
    target = folder / "dists" / suite / path
    target.parent.mkdir(parents=True)
    target.write_text(index, encoding="ascii")
    digest = hashlib.sha256(index.encode()).hexdigest()
    until = max(date, datetime.now(UTC)) + timedelta(days=7)
    (folder / "dists" / suite / "Release").write_text(
        "Origin: Debian\nLabel: Debian-Security\n"
        f"Suite: {suite}\nCodename: {suite}\nComponents: main\nArchitectures: {architecture}\n"
        f"Date: {_utc(date)}\nValid-Until: {_utc(until)}\n"
        f"SHA256:\n {digest} {len(index)} {path}\n",
        encoding="ascii",
    )


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The archive's address while it is served; apt's own user could not read a test's folder."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def source(address: str, suite: str, *, trusted: bool = True) -> str:
    """apt's source of the archive, deb822 form."""
    return (
        f"Types: deb\nURIs: {address}\nSuites: {suite}\nComponents: main\n"
        f"Trusted: {'yes' if trusted else 'no'}\n"
    )


def _utc(moment: datetime) -> str:
    return format_datetime(moment.astimezone(UTC)).replace("+0000", "UTC")
