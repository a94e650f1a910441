"""Runs programs that speak to a registry, again after faults that pass, and oras (oras.land) first.

oras repeats requests without a body on 429 and 5xx by itself, for a few seconds. What is done here
is to go on after uploads that failed, connections that were cut, and longer troubles. It takes
credentials from Docker's configuration; none are in its arguments.
"""

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_chain, wait_fixed

from jhub_docker import process
from jhub_docker.host import programs
from jhub_docker.progress import say
from jhub_docker.registry import faults
from jhub_docker.registry.access import Access
from jhub_docker.registry.faults import PassingError

PAUSES = (1.0, 3.0, 10.0, 30.0)
"""Seconds before each further try after a passing fault."""

REQUEST = 120.0
"""Seconds that a call which moves next to nothing may take; oras's own tries take up to 20."""

_SLOWEST = 50_000
"""Bytes a second that a transfer has to make; below that it counts as stalled."""

T = TypeVar("T")


def again(pauses: Sequence[float], attempt: Callable[[], T]) -> T:
    """Do it, and after a PassingError again after each of the pauses, in seconds."""

    def tell(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, PassingError):
            say(f"    {error.said}; again in {state.upcoming_sleep:g} s")

    retrying = Retrying(
        retry=retry_if_exception_type(PassingError),
        stop=stop_after_attempt(len(pauses) + 1),
        wait=wait_chain(*map(wait_fixed, pauses or (0,))),
        before_sleep=tell,
        reraise=True,
    )
    return retrying(attempt)


class Oras:
    """The program with what every call has in common."""

    def __init__(self, access: Access, pauses: tuple[float, ...] = PAUSES) -> None:
        self.access = access
        self._pauses = pauses

    def call(self, registry: str, what: str, *arguments: str, side: str = "", size: int = 0,
             on_line: Callable[[str], None] | None = None) -> bytes:  # fmt: skip
        """Run oras until it succeeds or a fault does not pass; returns its standard output.

        `what` is what is done, to begin a message with; `side` is `from-` or `to-` in `oras cp`.
        `size` is the bytes to be moved, which give the time a try may take; `on_line` gets each
        line of the output as it comes. Raises MissingError and ActionError.
        """
        flags: list[str] = []
        if self.access.is_plain(registry):
            flags = [f"--{side}plain-http"]
        elif bundle := self.access.bundle():
            flags = [f"--{side}ca-file", str(bundle)]
        command = [str(programs.program("oras")), *arguments, *flags]

        def attempt() -> bytes:
            ended = process.run(*command, seconds=REQUEST + size / _SLOWEST, on_line=on_line)
            if ended.code == 0:
                return ended.raw
            # oras 1.2 breaks down when two transfers fail in two ways at once (oras-go 2.5,
            # `syncutil.Go`); what was wrong is not in its message then.
            if re.search("^panic: ", ended.err, re.MULTILINE) and "3" in command:
                say("    oras crashed over two faults at once; again with one blob at a time")
                command[command.index("3")] = "1"
                return attempt()
            raise faults.error(what, registry, ended.err)

        return again(self._pauses, attempt)
