"""The end that the hub asks for comes, whatever the server does just then.

Python calls a signal's handler in the middle of whatever runs. Jupyter Server's writes a line to
the log; where that was in the middle of a line itself, Python refuses, and the wish is lost: the
server runs on until the engine kills it. Seen on a busy machine, right after an answer was logged.
"""

from __future__ import annotations

import signal
from typing import Any


def listen(server: Any) -> None:
    """Stop the server at SIGTERM; what is told of that is told by its loop."""

    def stop(number: int, _: Any) -> None:
        said = "received signal %s, stopping"
        server.io_loop.add_callback_from_signal(server.log.critical, said, number)
        server.stop(from_signal=True)

    signal.signal(signal.SIGTERM, stop)
