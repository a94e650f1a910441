"""How the keeper has the hub look after runs and applications every minute."""

from typing import Any, Protocol

from jupyterhub.apihandlers.base import APIHandler
from jupyterhub.handlers import BaseHandler
from tornado import web

from hub_config.jobs import forms
from hub_config.published import own_server
from hub_config.published.shelf import ShelfError
from hub_config.told import Refusal

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


def looking_routes(*looks: Looks) -> list[tuple[str, type[BaseHandler], dict[str, Any]]]:
    """Where it is, below the hub's prefix."""
    return [(r"/api/jobs/look", LookHandler, {"looks": looks})]


async def choices(user: Any) -> list[Any]:
    """The profiles that this person may use, however full the machine is."""
    spawner = user.spawner
    try:
        offer = await spawner.counter.offer(spawner.customer)
    except Refusal:
        return []
    return [choice for choice in offer.choices if choice.allowed]


async def lacks_file(handler: Any, file: str) -> bool:
    """Whether there is no such file in the home, as far as that can be looked at: through a server
    of theirs that runs, which knows nothing of hidden ones. The job itself says so otherwise.
    """
    if not forms.is_in_home(file) or "/." in f"/{file}":
        return False
    user = handler.current_user
    try:
        server = own_server.running(user, handler.get_scope_filter("access:servers"))
        return not await own_server.has(user, server, file)
    except ShelfError:
        return False
