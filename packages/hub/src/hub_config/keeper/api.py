"""The two APIs the keeper speaks to: the proxy's, to look, and the hub's, to have it compared."""

from collections.abc import Mapping
from typing import Any

import requests

Routes = Mapping[str, Mapping[str, Any]]
"""By path (configurable-http-proxy's README, REST API: GET /api/routes)."""

SECONDS = 10.0
"""How long an answer may take; a hub that restores many routes answers after the last."""


class UnavailableError(Exception):
    """What is asked does not answer, or refuses, just now."""


class ProxyApi:
    """configurable-http-proxy's API; its token is the hub's as well."""

    def __init__(self, url: str, token: str) -> None:
        self._url = f"{url}/api/routes"
        self._session = _session(token)

    def routes(self) -> Routes:
        """All routes. Raises UnavailableError."""
        routes: Routes = _checked(self._session, "GET", self._url).json()
        return routes


class HubApi:
    """JupyterHub's API, with the token of the service."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._session = _session(token)

    def reconcile(self) -> None:
        """Have the hub compare what runs with its database; returns at once.

        Raises UnavailableError.
        """
        _checked(self._session, "POST", f"{self._url}/reconcile")

    def sync_proxy(self) -> None:
        """Have the hub compare the proxy's routes with its own; returns when they are complete.

        POST /proxy (JupyterHub REST API). Raises UnavailableError.
        """
        _checked(self._session, "POST", f"{self._url}/proxy")


def are_lost(routes: Routes) -> bool:
    """Whether the hub has not told this proxy any route since it started.

    A proxy begins with one to its default target. The hub's own carries `hub`
    (jupyterhub 6.1, proxy.py, add_hub_route) and is there whether or not anybody has a server.
    """
    return not any(route.get("hub") for route in routes.values())


def _session(token: str) -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # neither a proxy nor a .netrc of the machine concerns these
    session.headers["Authorization"] = f"token {token}"
    return session


def _checked(session: requests.Session, method: str, url: str) -> requests.Response:
    try:
        answer = session.request(method, url, timeout=SECONDS)
        answer.raise_for_status()
    except requests.RequestException as error:
        raise UnavailableError(str(error)) from None
    return answer
