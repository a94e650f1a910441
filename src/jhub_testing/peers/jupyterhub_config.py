"""A JupyterHub with one user, two tokens and no proxy, for a single-user server to talk to."""

# ruff: noqa: F821
# mypy: ignore-errors
import os
import secrets

from jupyterhub.proxy import Proxy


class NoProxy(Proxy):
    """The tests call the server directly, so there are no routes to keep."""

    should_start = False

    async def add_route(self, routespec, target, data):
        """Do nothing."""

    async def delete_route(self, routespec):
        """Do nothing."""

    async def get_all_routes(self):
        """Nothing is routed."""
        return {}


c = get_config()
c.JupyterHub.proxy_class = NoProxy
c.JupyterHub.hub_bind_url = "http://0.0.0.0:8081"
c.JupyterHub.hub_connect_url = "http://hub:8081"
c.JupyterHub.db_url = "sqlite:////tmp/hub.sqlite"
c.JupyterHub.cookie_secret = secrets.token_bytes(32)
c.JupyterHub.authenticator_class = "null"
c.Authenticator.allowed_users = {"alice"}
c.JupyterHub.services = [
    {"name": "server", "api_token": os.environ["TEST_SERVER_TOKEN"]},
    {"name": "visitor", "api_token": os.environ["TEST_VISITOR_TOKEN"]},
]
c.JupyterHub.load_roles = [
    {
        "name": "the-server",
        "scopes": ["users:activity!user=alice", "access:servers!server=alice/"],
        "services": ["server"],
    },
    {"name": "the-visitor", "scopes": ["access:servers!server=alice/"], "services": ["visitor"]},
]
