"""How the keeper has the hub look after runs and applications every minute."""

from typing import Any, Protocol

from jupyterhub.apihandlers.base import APIHandler
from tornado import web

LOOK_SCOPE = "custom:reconcile"
"""The keeper's, which may have the hub look after things."""


class Looks(Protocol):
    """Who looks."""

    is_on: bool

    async def look(self, handler: Any) -> None:
        """Begin what has to be done."""


class LookHandler(APIHandler):
    """One look."""

    def initialize(self, looks: tuple[Looks, ...]) -> None:
        """Tornado hands over who looks."""
        self.looks = looks

    async def post(self) -> None:
        """Look. 404 without the scope, as JupyterHub has for what one may not see."""
        if not self.has_scope(LOOK_SCOPE):
            raise web.HTTPError(404)
        for one in self.looks:
            if one.is_on:
                await one.look(self)
        self.set_status(202)
