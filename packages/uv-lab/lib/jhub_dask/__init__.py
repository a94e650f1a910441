"""What JupyterLab's panel for Dask asks its server for.

The panel's own server extension imports Dask at each start of a server (as much CPU time as all
else, 57 MB) and would run clusters inside the server. Clusters are a notebook's here. The panel
finds their pages by the link that they print, and asks for a list all the same.
"""

from typing import Any

from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join
from tornado import web


class NoClusters(APIHandler):
    """The list of clusters that the server itself runs."""

    @web.authenticated
    def get(self) -> None:
        """None."""
        self.finish("[]")


def _load_jupyter_server_extension(server: Any) -> None:
    settings = server.web_app.settings
    path = url_path_join(settings["base_url"], "dask/clusters/?")
    server.web_app.add_handlers(".*$", [(path, NoClusters)])
