"""What ends a task from outside: Ctrl-C and SIGTERM, so that it takes away what it has made for a
moment, such as a container to look from.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Terminated(KeyboardInterrupt):
    """SIGTERM came, which by itself would end the process in the middle of anything."""


@contextmanager
def interrupting() -> Iterator[None]:
    """Meanwhile both raise KeyboardInterrupt in the main thread, all but the second that comes: who
    starts a task may hand on what the terminal has sent here too, and impatience leaves things.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came = 0

    def interrupt(number: int, _frame: FrameType | None) -> None:
        nonlocal came
        came += 1
        if came != 2:
            raise Terminated if number == signal.SIGTERM else KeyboardInterrupt

    kept = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
