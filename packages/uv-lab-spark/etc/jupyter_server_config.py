"""Spark's pages are told where the proxy has them, and send a browser on to an address below that.

jupyter-server-proxy 4.6 takes every such address for one that lacks where it is.
"""

from typing import Any

from jupyter_server_proxy.handlers import ProxyHandler

_below = ProxyHandler._rewrite_location_header


def _below_once(self: Any, location: str, host: str, port: int, path: str) -> str:
    there = location.startswith(self._get_context_path(host, port) + "/")
    return location if there else str(_below(self, location, host, port, path))


ProxyHandler._rewrite_location_header = _below_once
