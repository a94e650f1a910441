"""Between people and MLflow: the program of JupyterHub's service `mlflow`, beside the hub.

Browsers log in as for any service of JupyterHub, programs have the token of their server. Who asks
is told by the hub, and so is which spaces are theirs; a request goes to a space's own socket, where
another process of another user answers (packages/tracking). Only what comes back is touched: an
artefact is its author's page on the platform's address, so browsers run nothing of it.

`/services/mlflow/me/` is one's own space, `/services/mlflow/group/<group>/` a group's.
"""

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator
from html import escape
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import aiohttp
from jupyterhub.log import log_request
from jupyterhub.services.auth import HubOAuth, HubOAuthCallbackHandler, HubOAuthenticated
from tornado import httpserver, web
from yarl import URL

from hub_config import languages, tracing
from hub_config.tracking import door
from hub_config.tracking.door import AwayError

SECONDS = 60
"""For so long the hub's word of who somebody is, and whose spaces, is good."""

PIECE = 2**16
LARGEST = 2**40
"""Bytes of an artefact; what is on its way is not kept."""

ARTEFACT = re.compile("(ajax-)?api/2.0/mlflow-artifacts/artifacts/.")
"""What MLflow takes as it comes when it is put there (3.17, artifact_router.py)."""

LARGEST_ELSE = 2**26
"""Bytes of any other request: MLflow has all of it in memory at once."""

HOP = frozenset(
    {
        *("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te"),
        *("trailer", "transfer-encoding", "upgrade"),
    }
)
"""Headers of one connection (RFC 9110, 7.6.1)."""

OURS = HOP | {"authorization", "cookie", "host", "origin", "referer"}
"""What MLflow is not told: secrets, and what its own checks of addresses know nothing of."""

OWN_PAGES = "static-files/"
"""With the page at `/`, all of MLflow's own that runs in a browser. The rest is people's."""

PASSIVE = {"Content-Security-Policy": "sandbox", "X-Content-Type-Options": "nosniff"}


KEPT_BACK = HOP | {"set-cookie"}
"""What browsers are not told: MLflow has no log-in, and a cookie would be this address's."""


HEAD = (
    "<!doctype html><meta charset=utf-8><meta name=viewport content=width=device-width>"
    "<title>MLflow</title><h1>MLflow</h1>"
)


class Spaces:
    """Who has which spaces, asked of the hub, and the connections to them."""

    def __init__(self, api: str, token: str) -> None:
        self.api, self.token = api, token
        self.known: dict[str, tuple[float, dict[str, str]]] = {}
        """Until when, and the spaces."""
        self.sessions: dict[str, aiohttp.ClientSession] = {}

    async def of(self, name: str) -> dict[str, str]:
        """The spaces of a person, by path."""
        until, found = self.known.get(name, (0.0, {}))
        if until < time.monotonic():
            headers, params = {"Authorization": f"token {self.token}"}, {"of": name}
            async with (
                aiohttp.ClientSession(headers=headers) as hub,
                hub.get(f"{self.api}/spaces", params=params) as answer,
            ):
                answer.raise_for_status()
                found = await answer.json(content_type=None)
            self.known[name] = (time.monotonic() + SECONDS, found)
        return found

    def session(self, space: str) -> aiohttp.ClientSession:
        """Connections to a space. MLflow closes them when it has nothing to do."""
        if space not in self.sessions:
            connector = aiohttp.UnixConnector(str(door.SOCKETS / space), limit=0, force_close=True)
            timeout = aiohttp.ClientTimeout(total=None, sock_connect=SECONDS)
            self.sessions[space] = aiohttp.ClientSession(
                connector=connector, timeout=timeout, auto_decompress=False
            )
        return self.sessions[space]

    async def require(self, space: str) -> None:
        """Have the space made, if it is not there. Raises AwayError."""
        if (door.SOCKETS / space).exists():
            return
        if (said := await door.say(space)) != "ok":
            raise AwayError(said)


class Authenticated(HubOAuthenticated, web.RequestHandler):
    """What all pages share."""

    def initialize(self, spaces: Spaces, prefix: str) -> None:
        """Tornado hands over what is known, and below which path all is."""
        self.spaces, self.prefix = spaces, prefix

    def check_xsrf_cookie(self) -> None:
        """MLflow's pages know nothing of JupyterHub's token. So what a browser sends by itself
        counts: whether it was asked by a page of this address (Fetch Metadata; older: Origin).
        """
        site = self.request.headers.get("Sec-Fetch-Site", "")
        origin = self.request.headers.get("Origin", "")
        if site != "same-origin" and (site or urlsplit(origin).netloc != self.request.host):
            raise web.HTTPError(403, "asked by a page of another address")

    async def asking(self) -> dict[str, str]:
        """The spaces of whoever asks. Raises HTTPError; who can log in is sent there."""
        if self.current_user is None:
            if self.request.method == "GET" and "Authorization" not in self.request.headers:
                self.redirect(self.get_login_url())
                raise web.Finish
            raise web.HTTPError(403, "a token of one's server is wanted, or a log-in")
        if self.current_user["kind"] != "user":
            raise web.HTTPError(403)
        try:
            return await self.spaces.of(self.current_user["name"])
        except aiohttp.ClientError as error:
            raise web.HTTPError(503, f"The hub does not answer: {error}.") from None

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """As MLflow's client reads it; a sentence and a way on for whoever opens a page."""
        error = kwargs.get("exc_info", (None, None))[1]
        said = getattr(error, "log_message", None) or HTTPStatus(status_code).phrase
        if "text/html" in self.request.headers.get("Accept", ""):
            accepts = self.request.headers.get("Accept-Language", "")
            languages.current.set(languages.choose(accepts))
            words, on = escape(str(languages.said(said))), escape(languages.gettext("Your spaces"))
            self.finish(f'{HEAD}<p>{words}</p><p><a href="{self.prefix}">{on}</a></p>')
            return
        self.finish({"error_code": HTTPStatus(status_code).name, "message": said})


class ListHandler(Authenticated):
    """One's spaces."""

    async def get(self) -> None:
        """Those of groups, and one's own; straight there where there are no others."""
        found = await self.asking()
        if len(found) == 1:
            self.redirect(f"{self.request.path}me/")
            return
        self.finish(
            f"{HEAD}<ul>"
            + "".join(f'<li><a href="{quote(path)}/">{escape(path)}</a></li>' for path in found)
            + "</ul>"
        )


class AbsentHandler(Authenticated):
    """All that is nothing."""

    def prepare(self) -> None:
        """Say so."""
        raise web.HTTPError(404, "MLflow has no such page.")


@web.stream_request_body
class SpaceHandler(Authenticated):
    """A request to a space: it goes there, and the answer comes back, as they arrive."""

    async def prepare(self) -> None:
        """Everything is judged before a byte of the body is read."""
        found = await self.asking()
        # As it was sent: Tornado's own arguments are decoded, and MLflow decodes once more.
        fits = re.search("/(me|group/[^/]+)/(.*)", self.request.path[len(self.prefix) - 1 :])
        path = unquote(fits[1]) if fits else ""
        if fits is None or path not in found:
            raise web.HTTPError(404, f"MLflow has no space {path} of yours.")
        self.space, self.inner = found[path], fits[2]
        if not (self.request.method == "PUT" and ARTEFACT.match(self.inner)):
            said = self.request.headers.get("Content-Length", "")
            if said.isdecimal() and int(said) > LARGEST_ELSE:
                raise web.HTTPError(413, f"more than {LARGEST_ELSE} bytes, and no artefact")
            connection: Any = self.request.connection
            connection.set_max_body_size(LARGEST_ELSE)  # of what says no length
        self.pieces: asyncio.Queue[bytes | None] = asyncio.Queue(4)
        self.sending = asyncio.ensure_future(self.send())

    def finish(self, chunk: Any = None) -> Any:
        """What is refused before its body was read ends the connection: Tornado closes it and does
        not say so, and a proxy would ask the next thing there and be told nothing (tornado 6.5,
        http1connection.py, finish).
        """
        if not hasattr(self, "sending"):
            self.set_header("Connection", "close")
        return super().finish(chunk)

    async def data_received(self, chunk: bytes | None) -> None:
        """A part of the body, None for its end; waits until MLflow has taken those before."""
        put = asyncio.ensure_future(self.pieces.put(chunk))
        await asyncio.wait([put, self.sending], return_when=asyncio.FIRST_COMPLETED)
        put.cancel()  # nobody takes it any more

    async def body(self) -> AsyncIterator[bytes]:
        """The parts, as MLflow takes them."""
        while (piece := await self.pieces.get()) is not None:
            yield piece

    async def send(self) -> None:
        """Ask, and hand on the answer."""
        given = self.request.headers
        headers = [(k, v) for k, v in given.get_all() if k.lower() not in OURS]
        has_body = "Content-Length" in given or "Transfer-Encoding" in given
        url = URL(f"http://mlflow/{self.inner}", encoded=True)
        if self.request.query:
            url = URL(f"{url}?{self.request.query}", encoded=True)
        await self.spaces.require(self.space)
        async with self.spaces.session(self.space).request(
            self.request.method or "GET",
            url,
            headers=headers,
            data=self.body() if has_body else None,
            allow_redirects=False,
        ) as answer:
            self.set_status(answer.status, answer.reason)
            self.clear_header("Content-Type")
            for name, value in answer.headers.items():
                if name.lower() not in KEPT_BACK:
                    self.add_header(name, value)
            if self.inner and not self.inner.startswith(OWN_PAGES):
                for name, value in PASSIVE.items():
                    self.set_header(name, value)
            async for piece in answer.content.iter_chunked(PIECE):
                self.write(piece)
                await self.flush()

    async def get(self, *_: str) -> None:
        """Whatever it is, MLflow answers it."""
        await self.data_received(None)
        try:
            await self.sending
        except asyncio.CancelledError:  # nobody waits for it any more
            raise web.Finish from None
        except (AwayError, aiohttp.ClientError) as error:
            raise web.HTTPError(503, f"MLflow does not answer: {error}.") from None

    head = post = put = patch = delete = options = get

    def compute_etag(self) -> None:
        """MLflow's own, if any."""

    def on_connection_close(self) -> None:
        """Nobody wants the answer any more."""
        if hasattr(self, "sending"):
            self.sending.cancel()


def application(prefix: str, spaces: Spaces) -> web.Application:
    """All of it, below the service's prefix."""
    auth = HubOAuth.instance(cache_max_age=SECONDS)
    given = {"spaces": spaces, "prefix": prefix}
    return web.Application(
        [
            (f"{prefix}oauth_callback", HubOAuthCallbackHandler),
            (prefix, ListHandler, given),
            (f"{prefix}(?:me|group/[^/]+)/.*", SpaceHandler, given),
            (f"({prefix}(?:me|group/[^/]+))", web.RedirectHandler, {"url": "{0}/"}),
        ],
        cookie_secret=os.urandom(32),
        login_url=auth.login_url,
        default_handler_class=AbsentHandler,
        default_handler_args=given,
        log_function=log_request,  # Tornado's own tells the codes of log-ins
    )


async def serve() -> None:
    """For ever."""
    tracing.configure_logs(os.environ.get(tracing.FORMAT, ""), "mlflow: %(message)s")
    spaces = Spaces(os.environ["JUPYTERHUB_API_URL"], os.environ["JUPYTERHUB_API_TOKEN"])
    made = application(os.environ["JUPYTERHUB_SERVICE_PREFIX"], spaces)
    port = urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"]).port
    httpserver.HTTPServer(made, max_body_size=LARGEST, max_buffer_size=2**24).listen(port or 80)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve())
