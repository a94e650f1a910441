"""Asks Jupyter kernels that Jupyter Server did not start, as VS Code's notebooks do, whether a cell
runs.

A kernel answers `kernel_info_request` on its shell channel between two cells and not during one
(Jupyter messaging protocol 5.4), whatever it waits for and whoever made it compute.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

ANSWER_SECONDS = 3.0
"""An idle kernel answers in milliseconds."""

FILE_BYTES = 2**16
"""A connection file has a few hundred; `python train.py data.json` names one of any size."""


def connection_file(command_line: Sequence[str]) -> str | None:
    """The connection file of the kernel a process is, None when it is none."""
    for word in reversed(command_line):
        path = word.rpartition("=")[2].strip("'\"")
        if path.endswith(".json") and connection(path):
            return path
    return None


def connection(path: str) -> dict[str, Any] | None:
    """What a connection file says, None for a file that is none or gone."""
    try:
        if not Path(path).is_file() or Path(path).stat().st_size > FILE_BYTES:
            return None
        found = json.loads(Path(path).read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and {"shell_port", "key"} <= found.keys() else None


class ForeignKernels:
    """Kernels of other clients. One question at a time: a busy kernel answers when it is done."""

    def __init__(self) -> None:
        self._asked: dict[str, asyncio.Task[Any]] = {}

    async def is_busy(self, paths: Iterable[str]) -> bool:
        """Whether a cell runs in any of the kernels with these connection files."""
        wanted = set(paths)
        for gone in self._asked.keys() - wanted:
            self._asked.pop(gone).cancel()
        for path in wanted:
            task = self._asked.get(path)
            if task is None or task.done():
                self._asked[path] = asyncio.ensure_future(_ask(path))
        if not self._asked:
            return False
        _, waiting = await asyncio.wait(self._asked.values(), timeout=ANSWER_SECONDS)
        return bool(waiting)


async def _ask(path: str) -> None:
    """Returns when the kernel answered, or when nobody is there who could."""
    found = connection(path)
    if found is None:
        return
    from jupyter_client.asynchronous import AsyncKernelClient  # noqa: PLC0415

    client = AsyncKernelClient()
    client.load_connection_info(found)
    client.start_channels(iopub=False, stdin=False, hb=False, control=False)
    try:
        client.kernel_info()
        await client.get_shell_msg()
    finally:
        client.stop_channels()
