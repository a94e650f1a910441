"""What is shown again and again on a terminal, until somebody has seen enough."""

import sys
import time
from collections.abc import Callable

from invoke.exceptions import Exit

from jhub_docker.cli.task import write

SECONDS = 5.0

_CLEAR = "\x1b[H\x1b[2J\x1b[3J"


def again(look: Callable[[], str], wait: Callable[[float], None] = time.sleep) -> None:
    """Show a text, each time in place of the one before. Ctrl-C ends it, with exit code 0."""
    try:
        while True:
            text = look()
            write(f"{_CLEAR}{text}" if sys.stdout.isatty() else text)
            sys.stdout.flush()
            wait(SECONDS)
    except KeyboardInterrupt:
        raise Exit(code=0) from None
