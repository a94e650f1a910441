"""jupyterhub-singleuser, ready sooner: what `start-singleuser` runs, and a server extension.

`__main__` begins the editor that the person is about to open (`early`), then imports Jupyter Server
without what a person's server never uses (`imports`). The extension hands the editor that runs by
then to jupyter-server-proxy (`adoption`), ends what is meant for the start alone, and hears when
the server is to stop (`ending`).
"""

from __future__ import annotations

from typing import Any


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "jhub_start"}]


def _load_jupyter_server_extension(server: Any) -> None:
    """Jupyter Server calls this at its start, with or without a hub and `__main__`."""
    from jhub_start import adoption, ending, imports  # noqa: PLC0415

    adoption.prepare(server)
    ending.listen(server)
    server.io_loop.add_callback(imports.started)
