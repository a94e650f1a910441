"""Notices downloads that take a while, so that a server is not stopped in the middle of one."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

LARGE_BYTES = 2**20
"""What pages ask for by themselves is smaller, or over at once."""

SECONDS = 2.0


def watch(application: Any, note: Callable[[str], None]) -> None:
    """Have `note` called for each download while it goes on."""

    class Transform(Download):
        pass

    Transform.note = staticmethod(note)
    application.add_transform(Transform)


class Download:
    """A Tornado output transform (tornado.web, OutputTransform); it changes nothing."""

    note: Callable[[str], None]

    def __init__(self, request: Any) -> None:
        self._next, self._bytes = time.monotonic() + SECONDS, 0

    def transform_first_chunk(
        self, status: int, headers: Any, chunk: bytes, finishing: bool
    ) -> tuple[int, Any, bytes]:
        """The beginning."""
        self._bytes += len(chunk)
        return status, headers, chunk

    def transform_chunk(self, chunk: bytes, finishing: bool) -> bytes:
        """What follows; it comes when what was before has been taken."""
        self._bytes += len(chunk)
        now = time.monotonic()
        if now >= self._next and self._bytes >= LARGE_BYTES:
            self._next = now + SECONDS
            self.note("download")
        return chunk
