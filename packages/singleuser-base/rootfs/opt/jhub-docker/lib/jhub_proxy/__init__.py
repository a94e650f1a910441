"""A Jupyter Server extension: what people put behind the server passes through as it is.

jupyter-server-proxy 4.6 keeps whole answers and uploads in memory, up to 100 MiB and 300 s, passes
on no websocket message above 10 MiB, and has no page for what is not there. Here answers and
uploads are streamed (`streams`), sockets take large messages and wait for the slower end
(`sockets`), an editor that was ended starts again when it is opened (`entries`), and a port nobody
listens on gets a page that says so (`absent`). What passes through is noted (`traffic`), and of
Dask's gateway it is pages of one's own clusters alone (`clusters`).

The classes that jupyter-server-proxy makes for each editor and port inherit from one, and it has no
setting for it; so that one's methods are replaced. docs/upstream/ has the same as patches.
"""

from __future__ import annotations

from typing import Any

MESSAGE_BYTES = 256 * 2**20
"""The largest websocket message, of kernels as well as of what is behind the proxy. Tornado has to
hold all of one."""


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "jhub_proxy"}]


def _load_jupyter_server_extension(server: Any) -> None:
    """Jupyter Server calls this at its start. An image may be without jupyter-server-proxy."""
    from jupyter_server.base.handlers import JupyterHandler  # noqa: PLC0415

    from jhub_proxy import absent  # noqa: PLC0415

    absent.install(JupyterHandler)
    server.web_app.settings["websocket_max_message_size"] = MESSAGE_BYTES
    try:
        from jupyter_server_proxy import handlers  # noqa: PLC0415
    except ImportError:
        return
    from jhub_proxy import entries, sockets, streams  # noqa: PLC0415

    streams.install(handlers.ProxyHandler)
    sockets.install(handlers.ProxyHandler)
    entries.install(handlers.SuperviseAndProxyHandler)
