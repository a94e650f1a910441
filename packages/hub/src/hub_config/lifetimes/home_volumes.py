"""Acts on homes that are put aside: removes their volumes, hands them back, lists them. For admins.

The service asks for what is due; nobody else removes a home but by the button with its question.
"""

from datetime import timedelta
from typing import Any

import requests
from docker.errors import APIError, NotFound
from jupyterhub.apihandlers.base import APIHandler
from jupyterhub.handlers import BaseHandler
from jupyterhub.scopes import needs_scope
from jupyterhub.utils import url_path_join
from tornado import web

from hub_config.lifetimes import homes
from hub_config.spawning.container_spawner import UserContainerSpawner

PURGE_SCOPE = "custom:homes:purge"
"""What the service may do: have homes removed whose time is over, and no other."""


class HomesHandler(BaseHandler):
    """What all of them share."""

    def initialize(self, keep: timedelta) -> None:
        """Tornado hands over how long homes are kept."""
        self.keep = keep

    async def remove(self, home: homes.HomeRow) -> bool:
        """Remove the volume and its record; False, with a warning, while that is impossible."""
        spawner = UserContainerSpawner(config=self.config)
        try:
            await spawner.docker("remove_volume", home.volume)
        except NotFound:
            pass
        except (APIError, requests.RequestException) as error:
            self.log.warning("Cannot remove the home %s yet: %s", home.volume, error)
            return False
        self.log.info("Removed the home %s of %s", home.volume, home.person)
        homes.forget(self.db, home)
        return True


class PurgeHandler(HomesHandler, APIHandler):
    """Removes the homes whose time is over."""

    async def post(self) -> None:
        """404 without the scope, as JupyterHub answers for what one may not see."""
        if not self.has_scope(PURGE_SCOPE):
            raise web.HTTPError(404)
        for home in homes.due(self.db, self.keep):
            await self.remove(home)
        self.set_status(204)


class PutAsideHandler(HomesHandler):
    """The page with the homes that are put aside."""

    @needs_scope("admin:users")
    async def get(self) -> None:
        """The list."""
        await self.page()

    async def page(self, error: str = "") -> None:
        """The list, and what went wrong."""
        rows = [
            {"home": home, "ends": homes.ends(home, self.keep)}
            for home in homes.all_put_aside(self.db)
        ]
        self.finish(await self.render_template("homes.html", rows=rows, error=error))

    @needs_scope("admin:users")
    async def post(self) -> None:
        """Hand a home back (`action=hand-back`, `person`) or remove it now (`action=remove`)."""
        volume = self.get_body_argument("volume")
        try:
            match self.get_body_argument("action"):
                case "hand-back":
                    self.hand_back(volume, self.get_body_argument("person").strip())
                case "remove":
                    await self.remove_now(volume, self.get_body_argument("confirmation", ""))
                case other:
                    raise homes.HomeError(f"There is no action {other!r}.")
        except homes.HomeError as error:
            self.set_status(400)
            return await self.page(str(error))
        self.redirect(url_path_join(self.hub.base_url, "homes"))

    def hand_back(self, volume: str, person: str) -> None:
        """Give a home to an existing person who runs no server."""
        user = self.find_user(person)
        if user is None:
            raise homes.HomeError(f"There is no person called {person}.")
        if user.active:
            raise homes.HomeError(f"{person} has a server running; it has to be stopped first.")
        homes.hand_back(self.db, volume, person)
        self.log.info("%s handed the home %s to %s", self.current_user.name, volume, person)

    async def remove_now(self, volume: str, confirmation: str) -> None:
        """Remove a home before its time; `confirmation` has to be the volume's name."""
        home = homes.find_put_aside(self.db, volume)
        if confirmation != volume:
            raise homes.HomeError(f"To remove {volume}, type its name.")
        if not await self.remove(home):
            raise homes.HomeError(f"The engine did not remove {volume}; see the hub's log.")


def routes(keep: timedelta) -> list[tuple[str, Any, dict[str, Any]]]:
    """Where they are, below the hub's prefix."""
    given = {"keep": keep}
    return [(r"/homes", PutAsideHandler, given), (r"/api/homes/purge", PurgeHandler, given)]
