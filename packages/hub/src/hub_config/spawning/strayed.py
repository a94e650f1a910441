"""What reaches the hub though it was meant for a server: sent to one that does not run, or asked
for by an application behind `/proxy/<port>/` that believes it is at the root of its host.
"""

import re
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from jupyterhub.handlers.base import PrefixRedirectHandler
from tornado.web import HTTPError

from hub_config.languages import said

TOO_LATE = (
    "No server answers here at the moment, so this was not done. Try again; if yours has stopped, "
    "start it on the page Home."
)

_OURS = ("hub/", "user/", "services/")
_PROXIED = re.compile(r"user/[^/]+/(?:[^/]+/){0,2}proxy/\d+(?=/)")
"""An application's place, also in a named server or of VS Code's own (`/vscode/proxy/8050`)."""


def lead() -> None:
    """Have JupyterHub send them where they belong, or say what became of them. It takes the first
    for a form of its own that has expired, and looks for the second among its own pages.
    """
    redirect = PrefixRedirectHandler.get

    def get(self: Any, *_: str) -> None:
        if not _lead_back(self):
            redirect(self)

    def told(self: Any, *_: str) -> None:
        if _lead_back(self):
            return
        if not self.request.path.removeprefix(self.base_url).startswith("user/"):
            raise HTTPError(HTTPStatus.METHOD_NOT_ALLOWED)
        status = HTTPStatus.FAILED_DEPENDENCY
        self.set_status(status)
        self.finish({"status": status, "message": said(TOO_LATE)})

    PrefixRedirectHandler.get = get
    for method in ("post", "put", "patch", "delete"):
        setattr(PrefixRedirectHandler, method, told)
    PrefixRedirectHandler.check_xsrf_cookie = lambda _: None  # nothing is changed


def _lead_back(handler: Any) -> bool:
    """Whether an application's page asks, which is then led below the application."""
    request = handler.request
    place = application(
        request.uri, request.headers.get("Referer", ""), request.host, handler.base_url
    )
    if place:
        handler.redirect(place, status=HTTPStatus.TEMPORARY_REDIRECT)
    return bool(place)


def application(uri: str, referer: str, host: str, base_url: str) -> str:
    """Where `uri`, which a page at `referer` asked `host` for, is below that page's application;
    empty where the page is none, or asks for what is the hub's or a server's.
    """
    page = urlsplit(referer)
    asked = uri.removeprefix(base_url)
    found = _PROXIED.match(page.path.removeprefix(base_url))
    if not found or page.netloc != host or asked == uri or asked.startswith(_OURS):
        return ""
    return f"{base_url}{found[0]}/{asked}"
