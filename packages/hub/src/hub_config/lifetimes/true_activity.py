"""The proxy's idea of activity is left out: it counts every frame of every websocket.

JupyterHub takes the later of what the proxy saw and what the server itself reported (app.py,
update_last_activity), so an editor's heartbeat in a forgotten tab would count as a person's work.
What is true is known in the container alone; its extension `jhub_activity` reports it.
"""

from typing import Any

from jupyterhub.proxy import ConfigurableHTTPProxy


class RoutesProxy(ConfigurableHTTPProxy):
    """configurable-http-proxy, asked for routes and nothing else."""

    async def get_all_routes(self) -> dict[str, Any]:
        """All routes, without times. JupyterHub allows for proxies that know none."""
        routes: dict[str, Any] = await super().get_all_routes()
        for route in routes.values():
            route["data"].pop("last_activity", None)
        return routes
