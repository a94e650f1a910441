"""What a doctor asks from outside: whether a websocket comes through all that stands before the
hub, and whom the hub takes for the visitor there.

Nobody logs in for it. A ticket opens it for a minute; who can read the proxy's token makes one.
"""

import hashlib
import hmac
import json
import time
from typing import Any

from tornado import web
from tornado.websocket import WebSocketHandler

from hub_config.first_start import Places, read_secret
from hub_config.login.door import Addresses

TICKET = "X-Platform-Ticket"
"""Header with the ticket: addresses get into logs."""

SECONDS = 60


def ticket(places: Places, now: float | None = None) -> str:
    """A ticket that is good from now on for `SECONDS`."""
    until = str(int((time.time() if now is None else now) + SECONDS))
    return f"{until}.{_signature(places, until)}"


def good(places: Places, text: str, now: float | None = None) -> bool:
    """Whether this is a ticket of this platform, and not too old."""
    until, _, signature = text.partition(".")
    if not hmac.compare_digest(signature.encode(), _signature(places, until).encode()):
        return False
    return int(until) >= (time.time() if now is None else now)


def _signature(places: Places, until: str) -> str:
    key = read_secret(places.proxy_token).encode("ascii")
    return hmac.new(key, f"from outside until {until}".encode(), hashlib.sha256).hexdigest()


class EchoHandler(WebSocketHandler):
    """First says where the visitor comes from, then says again whatever it is told."""

    def initialize(self, addresses: Addresses, places: Places) -> None:
        """Tornado hands over who knows addresses, and where the secret is."""
        self._addresses, self._places = addresses, places

    async def get(self, *args: Any, **kwargs: Any) -> None:
        """Open the websocket for who has a ticket."""
        if not good(self._places, self.request.headers.get(TICKET, "")):
            raise web.HTTPError(403)
        self._seen = {
            "address": await self._addresses.of(self),
            "hops": await self._addresses.hops(self),
        }
        await super().get(*args, **kwargs)

    def open(self, *_args: str, **_kwargs: str) -> None:
        """Say what was seen."""
        self.write_message(json.dumps(self._seen))

    def on_message(self, message: str | bytes) -> None:
        """Say it again."""
        self.write_message(message, binary=isinstance(message, bytes))


def routes(
    addresses: Addresses, places: Places
) -> list[tuple[str, type[WebSocketHandler], dict[str, Any]]]:
    """Where it is, below the hub's prefix."""
    return [(r"/api/from-outside", EchoHandler, {"addresses": addresses, "places": places})]
