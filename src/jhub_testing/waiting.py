"""Waiting for a condition with a deadline: the only place in the tests where time passes idly."""

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")

PATIENCE = 300
"""Seconds after which tests give something up: an answer, a start, any condition. It says that
nothing will come any more, not how long a thing may take: what takes a second has taken a minute on
a busy machine. A test that passes never waits for it.
"""

ASK_AGAIN = 60
"""Seconds after which a question counts as lost that is asked until it is answered: what goes to a
network that is being made anew is never answered.
"""

_PAUSE = 0.1
"""Seconds between the first two looks at a condition. They grow with what was waited, by a tenth of
it up to a second: a look is work for the hub and the engine too, which have better things to do.
"""


class DeadlineReachedError(AssertionError):
    """The condition did not come true in time; the message tells the last thing seen."""


class GaveUpError(AssertionError):
    """The condition can no longer come true, so waiting on would be idle."""


def wait_until(
    condition: Callable[[], Found | None],
    what: str,
    *,
    ignoring: type[Exception] | tuple[type[Exception], ...] = (),
    patience: float = PATIENCE,
    steadily: bool = False,
) -> Found:
    """Call `condition` until it returns something true, and return that.

    `what` completes the sentence "waited … for …". Exceptions of the types `ignoring` count as "not
    yet". Who measures how long it takes looks `steadily`. Raises DeadlineReachedError with the last
    answer once `patience`, in seconds, is over.
    """
    begun = time.monotonic()
    while True:
        try:
            seen = condition()
            last = f"last answer: {seen!r}"
            if seen:
                return seen
        except ignoring as error:
            last = f"last error: {type(error).__name__}: {error}"
        waited = time.monotonic() - begun
        if waited >= patience:
            raise DeadlineReachedError(f"waited {patience:g} s for {what}; {last}")
        time.sleep(_PAUSE if steadily else min(1.0, max(_PAUSE, waited / 10)))
