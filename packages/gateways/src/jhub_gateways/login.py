"""Who may have pods: whoever asks with the token of a server that runs."""

from http import HTTPStatus
from typing import Any

from aiohttp import web
from dask_gateway_server.auth import JupyterHubAuthenticator, unauthorized
from dask_gateway_server.models import User

from jhub_gateways import pods


class ServerAuthenticator(JupyterHubAuthenticator):
    """Asks the hub whose token it is. dask-gateway's own takes any token of a person, also one that
    may do next to nothing, and does not say of which server it is.
    """

    def get_token(self, request: web.Request) -> str | None:
        """What Dask's clients say, or Spark's."""
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        return token if kind in {"jupyterhub", "Bearer"} else None

    async def authenticate(self, request: web.Request) -> User:
        """The person, with the name of the server. Raises what the request is answered with."""
        token = self.get_token(request)
        if token is None:
            raise unauthorized("jupyterhub")
        headers = {"Authorization": f"token {token}"}
        url = f"{self.jupyterhub_api_url}/user"
        async with self.session.get(url, headers=headers) as answer:
            if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise web.HTTPBadGateway(reason="The hub does not answer. Try again in a minute.")
            if answer.status != HTTPStatus.OK:
                raise unauthorized("jupyterhub")
            said: dict[str, Any] = await answer.json()
        server = pods.server_of(said)
        if server is None:
            told = "Pods are made for a server: ask from a notebook or a terminal of yours."
            raise web.HTTPUnprocessableEntity(reason=told)
        user = User(said["name"])
        user.server = server
        return user
