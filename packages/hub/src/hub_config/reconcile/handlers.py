"""How the hub is asked to reconcile: by the keeper, every minute, and by admins for the report."""

import json
from typing import Any

from jupyterhub.apihandlers.base import APIHandler
from jupyterhub.handlers import BaseHandler
from jupyterhub.scopes import needs_scope
from tornado import web

from hub_config.reconcile.reconciler import Hub, Reconciler

SCOPE = "custom:reconcile"
"""What the keeper may do: have runtime and database compared."""


class ReconcileHandler(APIHandler):
    """One pass."""

    def initialize(self, reconciler: Reconciler) -> None:
        """Tornado hands over who does it."""
        self.reconciler = reconciler

    @property
    def hub_now(self) -> Hub:
        """What of JupyterHub is needed."""
        return Hub(self.users, self.proxy, self.db)

    async def post(self) -> None:
        """Begin to compare. 404 without the scope, as JupyterHub has for what one may not see."""
        if not self.has_scope(SCOPE):
            raise web.HTTPError(404)
        self.reconciler.begin(self.hub_now)
        self.set_status(202)

    @needs_scope("admin:users")
    async def get(self) -> None:
        """Compare now and tell, for an admin."""
        report = await self.reconciler.run(self.hub_now)
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps(report))


def routes(reconciler: Reconciler) -> list[tuple[str, type[BaseHandler], dict[str, Any]]]:
    """Where they are, below the hub's prefix."""
    return [(r"/api/reconcile", ReconcileHandler, {"reconciler": reconciler})]
