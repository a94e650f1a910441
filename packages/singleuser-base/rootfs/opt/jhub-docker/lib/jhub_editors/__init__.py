"""A Jupyter Server extension: an editor's page comes as soon as the editor answers.

jupyter-server-proxy starts an editor when its page is asked for, and has simpervisor wait until it
answers. That asks with pauses which double each time (0.64 s, then 1.28 s, then 2.56 s), so that a
person waits up to twice as long as the editor needs. Here the pauses stay short.
"""

from __future__ import annotations

from typing import Any


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "jhub_editors"}]


def _load_jupyter_server_extension(server: Any) -> None:
    """Jupyter Server calls this at its start. An image without jupyter-server-proxy has no editors.

    The proxy has no setting for what it supervises processes with; it looks the class up by name
    for each editor it starts.
    """
    try:
        from jupyter_server_proxy import handlers  # noqa: PLC0415
    except ImportError:
        return
    from jhub_editors.prompt_process import PromptProcess  # noqa: PLC0415

    handlers.SupervisedProcess = PromptProcess
