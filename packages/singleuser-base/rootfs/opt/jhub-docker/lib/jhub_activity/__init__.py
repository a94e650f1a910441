"""A Jupyter Server extension that knows whether somebody uses this container.

Jupyter Server, its proxy and the hub's proxy count every request and every websocket frame, so an
editor's heartbeat in a forgotten tab keeps a server alive for ever, while a cell that computes in
silence counts as nothing. Here, activity is a person's input in a page, or work being done
(`observer` says what counts as work). JupyterHub's own extension reports it to the hub as ever.
"""

from __future__ import annotations

import os
from typing import Any


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "jhub_activity"}]


def _load_jupyter_server_extension(server: Any) -> None:
    """Jupyter Server calls this at its start. Without a hub there is nobody to report to."""
    if not os.environ.get("JUPYTERHUB_API_URL"):
        return
    # Imported only now: the pure parts are of use without Jupyter Server.
    from jhub_activity import downloads, handlers, pages, signing_in  # noqa: PLC0415
    from jhub_activity.limits import Limits  # noqa: PLC0415
    from jhub_activity.observer import Observer  # noqa: PLC0415

    application = server.web_app
    limits = Limits.from_environment(os.environ)
    started = application.settings["started"]
    observer = Observer(server.kernel_manager, started, limits.interval, handlers.tell_hub)
    # What JupyterHub's extension reports, and `/api/status` shows.
    application.last_activity = observer.last_activity
    handlers.add(application, observer, limits)
    pages.add_script(application)
    signing_in.explain()
    downloads.watch(application, observer.note)
    server.io_loop.add_callback(observer.run)
