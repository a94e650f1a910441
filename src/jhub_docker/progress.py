"""What a person sees while something takes its time: one line when it starts, one when it ends."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


def say(text: str) -> None:
    """Print one line of progress to standard error, so that standard output stays data."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def stage(text: str) -> Iterator[None]:
    """Say that `text` begins, and how many seconds it took once it is over."""
    say(f"==> {text} …")
    started = time.monotonic()
    try:
        yield
    except BaseException:
        say(f"    failed after {time.monotonic() - started:.1f} s")
        raise
    say(f"    done in {time.monotonic() - started:.1f} s")
