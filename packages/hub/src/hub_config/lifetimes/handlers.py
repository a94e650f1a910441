"""API and page of servers' times. Asking for more time is a POST with XSRF token, or with a token.

A server asks about itself with its own token (scope `users:activity!user`), which is how the notice
in JupyterLab, VS Code and marimo knows what was asked for on the hub's page.
"""

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

from jupyterhub.apihandlers.base import APIHandler
from jupyterhub.handlers import BaseHandler
from jupyterhub.scopes import needs_scope
from jupyterhub.utils import url_path_join
from tornado import web

from hub_config.lifetimes import ends, times


def grant(handler: BaseHandler, server: ends.Server, limits: ends.Limits) -> None:
    """Leave the server alone for longer; raises HTTPError 409 when there is no more to be had."""
    until = ends.more_time(server, limits)
    if until is None:
        raise web.HTTPError(409, "There is no more time to be had for this server.")
    times.remember(handler.db, server.user, server.name, server.started, until)
    handler.log.info("%s asked for more time for server %r", server.user, server.name)


def find(handler: BaseHandler, user_name: str, server_name: str) -> ends.Server:
    """The running server of that name; raises HTTPError 404."""
    user = handler.find_user(user_name)
    for server in times.running(handler.db, [user] if user else []):
        if server.name == server_name:
            return server
    raise web.HTTPError(404, "There is no such running server.")


class TimedHandler(APIHandler):
    """Base of the API's handlers."""

    def initialize(self, limits: ends.Limits) -> None:
        """Tornado hands over the limits."""
        self.limits = limits


class ServersTimeHandler(TimedHandler):
    """All running servers, for the service that judges them."""

    @needs_scope("read:users:activity")
    def get(self) -> None:
        """A list of `ends.Server`."""
        found = [asdict(server) for server in times.running(self.db, self.users.values())]
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps(found, default=datetime.isoformat))


class ServerTimeHandler(TimedHandler):
    """One server."""

    @needs_scope("read:users:activity")
    def get(self, user_name: str, server_name: str = "") -> None:
        """What `times.answer` says."""
        self._tell(user_name, server_name)

    @needs_scope("users:activity")
    def post(self, user_name: str, server_name: str = "") -> None:
        """Ask for more time."""
        grant(self, find(self, user_name, server_name), self.limits)
        self._tell(user_name, server_name)

    def _tell(self, user_name: str, server_name: str) -> None:
        found = find(self, user_name, server_name)
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps(times.answer(found, self.limits)))


class MoreTimeHandler(BaseHandler):
    """The button on the hub's pages."""

    def initialize(self, limits: ends.Limits) -> None:
        """Tornado hands over the limits."""
        self.limits = limits

    @web.authenticated
    def post(self, server_name: str = "") -> None:
        """More time for one's own server, then back home."""
        grant(self, find(self, self.current_user.name, server_name), self.limits)
        self.redirect(url_path_join(self.hub.base_url, "home"))


def routes(limits: ends.Limits) -> list[tuple[str, type[BaseHandler], dict[str, Any]]]:
    """Where they are, below the hub's prefix."""
    given = {"limits": limits}
    return [
        (r"/api/lifetimes", ServersTimeHandler, given),
        (r"/api/lifetimes/([^/]+)/([^/]*)", ServerTimeHandler, given),
        (r"/more-time/([^/]*)", MoreTimeHandler, given),
    ]
