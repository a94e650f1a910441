"""Waiting for a condition with a deadline: the only place in the tests where time passes idly."""

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")

_PAUSE = 0.1
"""Seconds between two looks at a condition."""


class DeadlineReachedError(AssertionError):
    """The condition did not come true in time; the message tells the last thing seen."""


class GaveUpError(AssertionError):
    """The condition can no longer come true, so waiting on would be idle."""


def wait_until(
    condition: Callable[[], Found | None],
    deadline: float,
    what: str,
    *,
    ignoring: type[Exception] | tuple[type[Exception], ...] = (),
) -> Found:
    """Call `condition` until it returns something true, and return that.

    `deadline` is in seconds from now; `what` completes the sentence "waited … for …". Exceptions
    of the types `ignoring` count as "not yet". Raises DeadlineReachedError with the last answer.
    """
    end = time.monotonic() + deadline
    while True:
        try:
            seen = condition()
            last = f"last answer: {seen!r}"
            if seen:
                return seen
        except ignoring as error:
            last = f"last error: {type(error).__name__}: {error}"
        if time.monotonic() >= end:
            raise DeadlineReachedError(f"waited {deadline:g} s for {what}; {last}")
        time.sleep(_PAUSE)
