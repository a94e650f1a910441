"""A single-user server as a visitor's program sees it: pages, the API, websockets.

The same for a server asked directly with a token and for one reached through the hub's proxy with
a person's cookies; the probes cannot tell which.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import websocket

from jhub_testing.attended import AttendedWebSocket
from jhub_testing.waiting import PATIENCE


class Client:
    """Requests to `base`, the address of the server with its prefix and a trailing slash."""

    def __init__(
        self,
        base: str,
        *,
        session: requests.Session | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.base = base
        self.session = session or requests.Session()
        self.session.trust_env = False  # no proxy and no .netrc of the machine in between
        self.session.headers.update(headers or {})

    def url(self, path: str) -> str:
        """The address of a page below the server's prefix."""
        return urljoin(self.base, path.lstrip("/"))

    def get(self, path: str, **options: Any) -> requests.Response:
        """GET a page, following redirects as a browser does."""
        return self.session.get(self.url(path), **{"timeout": PATIENCE, **options})

    def change(self, method: str, path: str, **options: Any) -> requests.Response:
        """Any request that changes something, as the page's own scripts send it.

        The XSRF cookie is repeated in a header; a token needs none.
        """
        headers = {"X-XSRFToken": xsrf} if (xsrf := self._xsrf()) else {}
        headers |= options.pop("headers", {})
        url = self.url(path)
        return self.session.request(
            method, url, headers=headers, **{"timeout": PATIENCE, **options}
        )

    def post(self, path: str, **options: Any) -> requests.Response:
        """POST with the XSRF cookie."""
        return self.change("POST", path, **options)

    def put(self, path: str, **options: Any) -> requests.Response:
        """PUT with the XSRF cookie."""
        return self.change("PUT", path, **options)

    def delete(self, path: str) -> requests.Response:
        """DELETE with the XSRF cookie."""
        return self.change("DELETE", path)

    def websocket(self, path: str, *, timeout: float = PATIENCE) -> websocket.WebSocket:
        """Open a websocket with the same credentials; `timeout` in seconds holds for each read.

        Raises websocket.WebSocketBadStatusException when the server does not upgrade.
        """
        url = self.url(path)
        prepared = self.session.prepare_request(requests.Request("GET", url))
        header = {
            name: value
            for name, value in prepared.headers.items()
            if name in ("Authorization", "Cookie")
        }
        trusted = self.session.verify
        return websocket.create_connection(
            "ws" + url.removeprefix("http"),
            header=header,
            timeout=timeout,
            http_no_proxy=["*"],
            sslopt={"ca_certs": trusted} if isinstance(trusted, str) else {},
            class_=AttendedWebSocket,
        )

    def _xsrf(self) -> str | None:
        """The `_xsrf` cookie of the longest path that covers this server."""
        path = urlsplit(self.base).path
        found = [
            cookie
            for cookie in self.session.cookies
            if cookie.name == "_xsrf" and path.startswith(cookie.path)
        ]
        found.sort(key=lambda cookie: len(cookie.path))
        return found[-1].value if found else None
