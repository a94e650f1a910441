"""The page Published, one page for each notebook, its view, and what their buttons do.

A view is a stranger's HTML with a stranger's scripts. It is shown in a frame below a line that says
whose it is, and the answer itself says `sandbox`: the browser treats it as of no site at all, so no
cookie and no storage of the platform's reaches it, it sends no form, and may fetch nothing but what
typesets formulas, where it has some, or what marimo draws its pages with.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jupyterhub.apihandlers.base import APIHandler
from jupyterhub.utils import url_path_join
from tornado import web

from hub_config import disk
from hub_config.handlers import Handler
from hub_config.published import own_server, shelf
from hub_config.published.links import LinkHandler
from hub_config.published.shelf import PublishedRow, ShelfError

_FORMULAS = "https://cdnjs.cloudflare.com/ajax/libs/mathjax/"
_MARIMO = "https://cdn.jsdelivr.net/npm/@marimo-team/"
_FORMULA = re.compile(rb"\$|\\\\(?:\(|\[|begin)")
"""What may begin a formula, in a notebook's JSON."""
_ASKED_FOR = re.compile(rb'<script src="https://cdnjs\.cloudflare\.com/[^"]*"> ?</script>')
"""What nbconvert's pages would fetch (its templates, lab/index.html.j2 and mathjax.html.j2)."""


def elsewhere(name: str, notebook: bytes) -> str:
    """Whence the page of a notebook may fetch: nowhere, unless it is marimo's or has formulas."""
    if name.endswith(".py"):
        return _MARIMO
    return _FORMULAS if _FORMULA.search(notebook) else ""


def sandbox(host: str) -> str:
    """The policy of a view that may fetch from there."""
    return (
        "sandbox allow-scripts; default-src 'none'; img-src data: blob:; "
        f"script-src 'unsafe-inline' 'unsafe-eval' {host}; style-src 'unsafe-inline' {host}; "
        f"font-src data: {host}; media-src data: blob:; frame-ancestors 'self'"
    )


def without_others(view: bytes, host: str) -> bytes:
    """The view, not asking for what it may not have."""
    return _ASKED_FOR.sub(lambda one: one[0] if host and host.encode() in one[0] else b"", view)


_busy: set[int] = set()
"""Whose notebooks are on their way."""


class ShelfHandler(Handler):
    """What all of them share."""

    folder: Path

    @property
    def shelf_url(self) -> str:
        """The page with all of them."""
        return str(url_path_join(self.hub.base_url, "published"))

    def found(self, name: str) -> PublishedRow:
        """The notebook; raises HTTPError 404."""
        try:
            return shelf.find(self.db, name)
        except ShelfError as error:
            raise web.HTTPError(404, str(error)) from None

    def file(self, row: PublishedRow, called: str) -> bytes:
        """One of its two files; raises HTTPError 404: a database may come back without them."""
        try:
            return (self.folder / row.id / called).read_bytes()
        except FileNotFoundError:
            raise web.HTTPError(404, "This notebook is not published, or no more.") from None

    def may_withdraw(self, row: PublishedRow) -> bool:
        """Its owner may, and an admin."""
        return row.user_id == self.current_user.id or bool(self.current_user.admin)

    def server(self) -> Any:
        """Through which their files are read and written; raises ShelfError."""
        return own_server.running(self.current_user, self.get_scope_filter("access:servers"))

    async def publish(self, path: str) -> PublishedRow:
        """Publish one of whoever asks. Raises ShelfError."""
        user = self.current_user
        own = own_server.checked(path)
        if disk.complaint(disk.free(self.folder.parent)):
            raise ShelfError("The disk of this platform is full. Tell an administrator.")
        with self.alone():
            notebook, view = await own_server.read(user, self.server(), own)
        return shelf.put(self.db, self.folder, user.id, own, notebook, view)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One at a time for each person: their server may take two minutes, and each that is on its
        way takes the hub's memory. Raises ShelfError.
        """
        me = self.current_user.id
        if me in _busy:
            raise ShelfError("Another notebook of yours is on its way. Try again in a minute.")
        _busy.add(me)
        try:
            yield
        finally:
            _busy.remove(me)


class ListHandler(ShelfHandler):
    """The page Published."""

    @web.authenticated
    async def get(self) -> None:
        """The list; JupyterLab's *Publish* names the `path` to publish."""
        await self.page(path=self.get_query_argument("path", ""))

    async def page(self, error: str = "", path: str = "") -> None:
        """The list, and what went wrong."""
        rows = shelf.everything(self.db)
        mine = {row.id for row in rows if self.may_withdraw(row)}
        told = {"rows": rows, "mine": mine, "error": error, "path": path}
        told["owners"] = shelf.owners(self.db, rows)
        await self.show("published.html", **told)

    @web.authenticated
    async def post(self) -> None:
        """Publish the notebook at `path`."""
        path = self.get_body_argument("path", "")
        try:
            row = await self.publish(path)
        except ShelfError as error:
            self.set_status(400)
            return await self.page(str(error), path)
        self.redirect(url_path_join(self.shelf_url, row.id))


class OneHandler(ShelfHandler):
    """The page of one notebook."""

    @web.authenticated
    async def get(self, name: str) -> None:
        """Whose it is, its view in a frame, and buttons."""
        await self.page(self.found(name))

    async def page(self, row: PublishedRow, error: str = "") -> None:
        """The page, and what went wrong."""
        told = {"row": row, "may_withdraw": self.may_withdraw(row), "error": error}
        told["owner"] = shelf.owners(self.db, [row]).get(row.user_id, "")
        with suppress(ShelfError):
            told["runs"] = self.server()
        await self.show("published-one.html", **told)

    @web.authenticated
    async def post(self, name: str) -> None:
        """Make a copy in one's own home (`action=copy`), or withdraw it (`action=withdraw`)."""
        row, user = self.found(name), self.current_user
        match self.get_body_argument("action", ""):
            case "withdraw" if self.may_withdraw(row):
                shelf.withdraw(self.db, self.folder, row)
                self.redirect(self.shelf_url)
            case "copy":
                try:
                    with self.alone():
                        spawner, notebook = self.server(), self.file(row, shelf.NOTEBOOK)
                        own = await own_server.write(user, spawner, row.name, notebook)
                except ShelfError as error:
                    self.set_status(400)
                    return await self.page(row, str(error))
                place = user.server_url(spawner.name)
                self.redirect(url_path_join(place, opened(user, spawner.name, own)))
            case _:
                raise web.HTTPError(403)


def opened(user: Any, server: str, path: str) -> str:
    """Where in a server a notebook opens: in JupyterLab or marimo, where the server has it."""
    child = getattr(user.spawners[server], "child_spawner", None)
    starts = str(getattr(child, "default_url", ""))
    if path.endswith(".py") and starts.startswith(("/lab", "/marimo")):
        return f"marimo/?file={quote(path)}"
    return f"lab/tree/{quote(path)}" if starts.startswith("/lab") else starts


class ViewHandler(ShelfHandler):
    """A notebook's HTML, for the frame."""

    @web.authenticated
    def get(self, name: str) -> None:
        """The file; who opens its address by itself is brought to the page that says whose."""
        row = self.found(name)
        if self.request.headers.get("Sec-Fetch-Dest", "iframe") != "iframe":
            self.redirect(url_path_join(self.shelf_url, row.id))
            return
        host = elsewhere(row.name, self.file(row, shelf.NOTEBOOK))
        self.set_header("Content-Security-Policy", sandbox(host))  # in place of JupyterHub's
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "no-referrer")
        self.finish(without_others(self.file(row, shelf.VIEW), host))


class PublishApiHandler(ShelfHandler, APIHandler):
    """The same for the command `publish`, by the token of one's own server."""

    async def post(self) -> None:
        """`{"path": "work/report.ipynb"}`; answers with the page's address below the hub's."""
        if not hasattr(self.current_user, "spawners"):
            raise web.HTTPError(403)
        told = self.get_json_body()
        path = told.get("path") if isinstance(told, dict) else None
        if not isinstance(path, str):
            raise web.HTTPError(400, 'Expected {"path": "work/report.ipynb"}')
        try:
            row = await self.publish(path)
        except ShelfError as error:
            raise web.HTTPError(400, str(error)) from None
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps({"url": url_path_join(self.shelf_url, row.id)}))


def published_routes(folder: Path, *, open_to_all: bool) -> list[tuple[Any, ...]]:
    """Where they are, below the hub's prefix; links lead on also where nobody may publish."""
    given = {"folder": folder}
    one = r"/published/([0-9a-f]{16})"
    link = (r"/link/([^/]+)/(.*)", LinkHandler, {"publishing": open_to_all})
    if not open_to_all:
        return [link]
    return [
        link,
        (r"/published", ListHandler, given),
        (one, OneHandler, given),
        (f"{one}/view", ViewHandler, given),
        (r"/api/published", PublishApiHandler, given),
    ]
