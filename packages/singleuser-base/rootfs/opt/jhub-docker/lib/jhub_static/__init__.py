"""A Jupyter Server extension: static files of the image's pages are sent compressed, and kept.

The build lays `FILE.br` and `FILE.gz` beside them (`compress-static` of build-tools). Names with a
hash of the content stay in a browser's cache for a year; others are asked for again, as ever.
marimo's files are sent here too, instead of by marimo through the proxy, which does neither.
"""

from __future__ import annotations

from typing import Any


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "jhub_static"}]


def _load_jupyter_server_extension(server: Any) -> None:
    """Jupyter Server calls this at its start, before it loads jupyter-server-proxy."""
    from jhub_static import sending  # noqa: PLC0415

    sending.prepare(server.web_app)
