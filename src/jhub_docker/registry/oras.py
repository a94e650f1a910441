"""Runs oras against one registry, again after faults that pass.

oras (oras.land) repeats requests without a body on 429 and 5xx by itself, for a few seconds. What
is done here is to go on after uploads that failed, connections that were cut, and longer troubles.
It takes credentials from Docker's configuration; none are in its arguments.
"""

import subprocess
import tempfile
import threading
import time
from collections.abc import Callable

from jhub_docker.errors import ActionError
from jhub_docker.host import programs as tools
from jhub_docker.progress import say
from jhub_docker.registry import faults
from jhub_docker.registry.access import Access

PAUSES = (1.0, 3.0, 10.0, 30.0)
"""Seconds before each further try after a passing fault."""

REQUEST = 120.0
"""Seconds that a call which moves next to nothing may take; oras's own tries take up to 20."""

_SLOWEST = 50_000
"""Bytes a second that a transfer has to make; below that it counts as stalled."""


class MissingError(ActionError):
    """The registry does not have what was asked for."""


class Oras:
    """The program with what every call has in common."""

    def __init__(self, access: Access, pauses: tuple[float, ...] = PAUSES) -> None:
        self.access = access
        self._pauses = pauses

    def flags(self, registry: str, side: str = "") -> list[str]:
        """The flags that say how to reach the registry; `side` is `from-` or `to-` in `oras cp`."""
        if self.access.is_plain(registry):
            return [f"--{side}plain-http"]
        bundle = self.access.bundle()
        return [f"--{side}ca-file", str(bundle)] if bundle else []

    def call(self, registry: str, what: str, *arguments: str, side: str = "", size: int = 0,
             on_line: Callable[[str], None] | None = None) -> bytes:  # fmt: skip
        """Run oras until it succeeds or a fault does not pass; returns its standard output.

        `what` is what is done, to begin a message with. `size` is the bytes to be moved, which
        give the time a try may take; `on_line` gets each line of the output as it comes. Raises
        MissingError and ActionError.
        """
        command = [str(tools.program("oras")), *arguments, *self.flags(registry, side)]
        pauses = iter(self._pauses)
        while True:
            code, output, said = _run(command, REQUEST + size / _SLOWEST, on_line)
            if code == 0:
                return output
            if faults.crashed(said) and command != (careful := _one_at_a_time(command)):
                say("    oras crashed over two faults at once; again with one blob at a time")
                command = careful
                continue
            fault = faults.judge(said)
            message = f"{what}: {fault.advice.format(registry=registry)}"
            if fault.missing:
                raise MissingError(f"{message} ({faults.readable(said)})")
            pause = next(pauses, None) if fault.passing else None
            if pause is None:
                tries = f", {len(self._pauses) + 1} times" if fault.passing else ""
                raise ActionError(f"{message}. oras said{tries}: {faults.readable(said)}")
            say(f"    {faults.readable(said)}; again in {pause:g} s")
            time.sleep(pause)


def _one_at_a_time(command: list[str]) -> list[str]:
    """The command with a concurrency of 1, where it has one."""
    values = ["", *command]
    return [
        "1" if before == "--concurrency" else word
        for before, word in zip(values, command, strict=False)
    ]


def _run(
    command: list[str], seconds: float, on_line: Callable[[str], None] | None
) -> tuple[int, bytes, str]:
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors
        )
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        stalled = threading.Event()

        def stop() -> None:
            stalled.set()
            process.kill()

        watch = threading.Timer(seconds, stop)
        watch.start()
        try:
            lines = []
            for line in process.stdout:
                lines.append(line)
                if on_line:
                    on_line(line.decode(errors="replace").rstrip())
            code = process.wait()
        except BaseException:
            process.kill()
            process.wait()
            raise
        finally:
            watch.cancel()
            process.stdout.close()
        errors.seek(0)
        said = errors.read().decode(errors="replace")
    if stalled.is_set():
        said += f"\nno end in {seconds:.0f} s: timed out"
    return code, b"".join(lines), said
