"""A Jupyter Server extension: a marimo notebook as a page, for the hub, which publishes it.

What `nbconvert/html/` is for Jupyter's notebooks. marimo runs it for that on its person's packages,
as its editor would: there are no outputs in the file.
"""

from __future__ import annotations

import asyncio
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path
from typing import Any

PATIENCE = 110
"""Seconds; the hub waits for two minutes."""

MARIMO = "/opt/jhub-docker/bin/marimo"


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "jhub_published"}]


def _load_jupyter_server_extension(server: Any) -> None:
    """Jupyter Server calls this at its start."""
    from jupyter_server.base.handlers import JupyterHandler  # noqa: PLC0415
    from tornado import web  # noqa: PLC0415

    home = Path(server.root_dir)

    class PageHandler(JupyterHandler):
        """`<prefix>/jhub-published/work/report.py`."""

        @web.authenticated
        async def get(self, path: str) -> None:
            # A link to a file that others put into a shared folder must not run it: only who has a
            # token of this server, as the hub, may ask. No link makes a browser send one.
            if "Authorization" not in self.request.headers:
                raise web.HTTPError(403)
            file = home / path
            if not file.is_file():
                raise web.HTTPError(404)
            if (page := await made(file)) is None:
                raise web.HTTPError(500, f"marimo makes no page of {path}")
            self.set_header("Content-Security-Policy", "sandbox allow-scripts")
            self.finish(page)

    base = server.web_app.settings["base_url"]
    server.web_app.add_handlers(".*$", [(f"{base}jhub-published/(.+\\.py)", PageHandler)])


async def made(file: Path) -> bytes | None:
    """The page; None where marimo makes none in time, or is not in this image."""
    process = await asyncio.create_subprocess_exec(
        *(MARIMO, "export", "html", file.name),
        cwd=file.parent, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL,
    )  # fmt: skip
    try:
        page, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
    except TimeoutError:
        process.kill()
        await process.wait()
        return None
    return page if process.returncode == 0 else None
