"""The tile *My packages* of the launcher, as jupyter-server-proxy asks for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def tile() -> dict[str, Any]:
    """An entry point, so that no setting of somebody else takes its place."""
    return {
        "command": ["my-packages", "serve", "{unix_socket}"],
        "unix_socket": True,
        "new_browser_tab": False,
        # In the launcher's first part, as the editors: JupyterLab shows no picture of an address
        # elsewhere.
        "launcher_entry": {
            "title": "My packages",
            "icon_path": str(Path(__file__).with_name("icon.svg")),
        },
    }
