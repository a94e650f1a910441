"""An editor that ended by itself (marimo's *Shutdown*) starts again when its page is opened.

jupyter-server-proxy starts it once, and afterwards asks the port of a process that is gone.
"""

from __future__ import annotations

from typing import Any

from tornado import web

from jhub_proxy import absent


def install(handler_class: Any) -> None:
    """Let every editor start anew."""
    ensure = handler_class.ensure_process

    async def ensure_process(self: Any) -> None:
        if has_ended(self.state.get("proc")):
            # Not for a forgotten page that tries to connect again: it would undo the shutdown.
            if not absent.is_page(self.request):
                raise web.HTTPError(503, f"{self.name} was shut down; its page starts it again")
            del self.state["proc"]
        await ensure(self)

    handler_class.ensure_process = ensure_process


def has_ended(supervised: Any) -> bool:
    """Whether simpervisor's process has ended with code 0; after others it starts one itself."""
    process = getattr(supervised, "proc", None)
    return process is not None and process.returncode == 0 and not supervised.running
