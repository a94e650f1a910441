"""The page Now, for admins; the same as JSON, for admins' programs and the operator's; and what a
person's own servers take, for the page Home.
"""

from hmac import compare_digest
from typing import Any

from jupyterhub.apihandlers.base import APIHandler
from jupyterhub.handlers import BaseHandler
from jupyterhub.scopes import needs_scope
from tornado import web

from hub_config.handlers import Handler
from hub_config.languages import said
from hub_config.now import asking
from hub_config.now.looking import Looker
from hub_config.now.rows import COLUMNS, Told, tell, usage_line
from hub_config.reconcile.state import Hub


class Looking(Handler):
    """What all of them share."""

    looker: Looker

    async def told(self, *, twice: bool = False) -> Told:
        """Everything, sorted as was asked (`sort`, `backwards`). Raises HTTPError 400."""
        asked = self.get_argument("backwards", "")
        waiting = getattr(self.authenticator, "accounts", None)
        hub = Hub.of(self)
        servers = await self.looker.everybody(hub, twice=twice)
        platform = await self.looker.platform(hub, waiting.waiting() if waiting else 0)
        try:
            return tell(
                servers,
                platform,
                self.get_argument("sort", "person"),
                backwards=asked == "yes" if asked else None,
            )
        except ValueError as error:
            raise web.HTTPError(400, str(error)) from None


class NowHandler(Looking):
    """The page."""

    @needs_scope("admin:users")
    async def get(self) -> None:
        """Everything."""
        await self.show("now.html", told=await self.told(), columns=COLUMNS)


class TableHandler(Looking):
    """What changes of the page, which fetches it every few seconds."""

    @needs_scope("admin:users")
    async def get(self) -> None:
        """Lines, warnings and rows."""
        await self.show("now-table.html", told=await self.told(), columns=COLUMNS)


class NowApiHandler(Looking, APIHandler):
    """The same for programs."""

    async def get(self) -> None:
        """JSON. 404 for who may not, as JupyterHub answers for what one may not see."""
        given, key = self.request.headers.get(asking.KEY_HEADER, ""), asking.key()
        operator = bool(key) and compare_digest(given.encode(), key.encode())
        if not operator and not self.has_scope("admin:users"):
            raise web.HTTPError(404)
        told = await self.told(twice=self.get_argument("twice", "") == "yes")
        self.finish(told.json())


class UsageHandler(Looking):
    """What one's own servers take: the page Home asks every few seconds."""

    @web.authenticated
    async def get(self) -> None:
        """A line for each server that runs, by its name, and what it is near."""
        servers = await self.looker.servers(Hub.of(self), [self.current_user])
        self.set_header("Cache-Control", "no-store")
        lines = {one.server: usage_line(one) for one in servers}
        self.finish({name: {**line, "says": said(line["says"])} for name, line in lines.items()})


def now_routes(looker: Looker) -> list[tuple[str, type[BaseHandler], dict[str, Any]]]:
    """Where they are, below the hub's prefix."""
    given = {"looker": looker}
    return [
        (r"/now", NowHandler, given),
        (r"/now/table", TableHandler, given),
        (r"/usage", UsageHandler, given),
        (r"/api/now", NowApiHandler, given),
    ]
