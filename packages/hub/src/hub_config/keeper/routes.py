"""The proxy's routes as its API tells them, and whether they are the hub's. Pure."""

from collections.abc import Mapping
from typing import Any

Routes = Mapping[str, Mapping[str, Any]]
"""By path (configurable-http-proxy's README, REST API: GET /api/routes)."""


def are_lost(routes: Routes) -> bool:
    """Whether the hub has not told this proxy any route since it started.

    A proxy begins with one to its default target. The hub's own carries `hub`
    (jupyterhub 6.1, proxy.py, add_hub_route) and is there whether or not anybody has a server.
    """
    return not any(route.get("hub") for route in routes.values())
