"""Hands an editor that was begun ahead to jupyter-server-proxy's supervision.

simpervisor has no way to take over a process; it looks up the class that starts one by name.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from subprocess import Popen
from threading import Thread
from typing import Any

from jhub_start import early


def prepare(server: Any) -> None:
    """Have the proxy look first at what runs already; end what it is configured not to use."""
    if not early.names:
        return
    from simpervisor import process  # noqa: PLC0415

    process.POSIXProcess = _begun_or_new(process.POSIXProcess)
    for name in server.config.get("ServerProxy", {}).get("servers", {}):
        # Another server of that name comes before the package's own.
        if (command := early.names.get(name)) and (unused := early.take(command)):
            unused.terminate()


def _begun_or_new(new: Any) -> Any:
    class BegunOrNew(new):
        """A process that was begun ahead where there is one, else one that is started."""

        async def start(self) -> None:
            """Return when it runs."""
            self._proc = early.take(self._proc_cmd)
            if self._proc is None:
                await super().start()

        async def wait(self) -> int:
            """Its exit code when it has ended."""
            if isinstance(self._proc, Popen):
                return await _end_of(self._proc)
            code: int = await super().wait()
            return code

    return BegunOrNew


async def _end_of(process: Popen[bytes]) -> int:
    """As asyncio's own watcher does it: a thread that waits, and holds nothing up."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[int] = loop.create_future()

    def tell(code: int) -> None:
        if not ended.done():
            ended.set_result(code)

    def watch() -> None:
        code = process.wait()
        with suppress(RuntimeError):  # the loop may be closed by then
            loop.call_soon_threadsafe(tell, code)

    Thread(target=watch, daemon=True).start()
    return await ended
