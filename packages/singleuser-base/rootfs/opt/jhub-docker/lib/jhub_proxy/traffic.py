"""What passes through the proxy right now, so that waiting for an answer is known from idleness.

Needs neither Jupyter Server nor its proxy.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

REQUEST, SOCKET = "request", "socket"

EDITORS = frozenset({"vscode", "marimo"})
"""Their pages talk to them without a pause; what is at work there is known in other ways."""

SHORT_SECONDS = 2.0
"""A request is worth noting after this long: pages ask for this and that by themselves."""


@dataclass(eq=False)
class Exchange:
    """One request or socket. Times are `time.monotonic()`; `answered` is None before an answer."""

    kind: str
    name: str
    asked: float = field(default_factory=time.monotonic)
    answered: float | None = None

    def sent(self) -> None:
        """The page said something."""
        self.asked = time.monotonic()

    def received(self) -> None:
        """The application said something."""
        self.answered = time.monotonic()

    def is_work(self, now: float, since: float) -> bool:
        """Whether somebody waits for the application, or got something from it after `since`."""
        if self.kind == SOCKET and self.name in EDITORS:
            return False
        if self.kind == REQUEST and now - self.asked < SHORT_SECONDS:
            return False
        return self.answered is None or self.answered < self.asked or self.answered > since


_open: set[Exchange] = set()


def opened(kind: str, handler: Any) -> Exchange:
    """Note that one begins; `handler` is the proxy's."""
    name = getattr(handler, "name", "") or f"port {handler.path_args[-2]}"
    found = Exchange(kind, name)
    if kind == SOCKET:
        found.received()  # an open socket waits for nothing yet
    _open.add(found)
    return found


def closed(found: Exchange | None) -> None:
    """Note that it is over."""
    if found:
        _open.discard(found)


@asynccontextmanager
async def exchange(kind: str, handler: Any) -> AsyncIterator[Exchange]:
    """One that lasts as long as this is entered."""
    found = opened(kind, handler)
    try:
        yield found
    finally:
        closed(found)


def working(now: float, since: float) -> Iterator[str]:
    """The names of applications that somebody waits for, or that served somebody after `since`."""
    return (one.name for one in [*_open] if one.is_work(now, since))
