"""Runs other programs: the one module that does.

A program gets nothing to read unless it is given something, and so never waits for somebody who is
not there. Its exit code is the caller's to judge (`checked` judges it); one that is not there is a
sentence, one that takes too long ends like under timeout(1).
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from jhub_docker.errors import ActionError

_FOR_TERMINALS = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
"""Control sequences (ECMA-48, 5.4)."""

_OF_DOCKER = re.compile(r"^(ERROR: |Error response from daemon: )+")
"""How docker begins what it says of an engine or a registry."""

TIMED_OUT = 124
"""Exit code of a program that was ended since it took too long, as timeout(1) has it."""

Environment = Mapping[str, str | None]
"""Changes to this process's own environment; None takes a variable away."""


THIS_REPOSITORY: Environment = dict.fromkeys(
    ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY")
)
"""What lets git look at the folder it is given: in a hook it would look at the hook's."""


class MissingProgramError(ActionError):
    """The program is not on this machine, or this user may not run it."""


@dataclass(frozen=True)
class Ended:
    """What a program left: its exit code, its output as it was written, and its messages."""

    code: int
    raw: bytes = b""
    err: str = ""

    @property
    def out(self) -> str:
        """The output as text; what is no UTF-8 in it is replaced."""
        return self.raw.decode(errors="replace")

    def tail(self, lines: int = 15) -> str:
        """The last lines of its messages, or of its output where it has no messages."""
        said = _OF_DOCKER.sub("", self.err.strip() or self.out.strip())
        return "\n".join(said.splitlines()[-lines:])

    def require(self, failed: str = "", lines: int = 15) -> str:
        """The output, without space around it, of a program that had to succeed.

        Raises ActionError that says `failed` and how its messages end.
        """
        if self.code:
            said = self.tail(lines) or f"exit code {self.code}"
            raise ActionError(f"{failed}: {said}" if failed else said)
        return self.out.strip()


def run(
    *command: str | Path,
    environment: Environment | None = None,
    cwd: Path | None = None,
    given: str = "",
    merged: bool = False,
    seconds: float | None = None,
    on_line: Callable[[str], None] | None = None,
) -> Ended:
    """Run a program to its end and keep what it writes.

    `given` is what it reads; with `merged` its messages are among its output, in their order.
    `on_line` gets each line of the output while it runs. Raises MissingProgramError.
    """
    # Files instead of pipes: nothing that one side does can make the other wait for ever.
    with tempfile.TemporaryFile() as errors, tempfile.TemporaryFile() as reads:
        reads.write(given.encode())
        reads.seek(0)
        late, lines = threading.Event(), []
        with _started(
            command,
            environment,
            cwd,
            stdin=reads if given else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if merged else errors,
            process_group=0 if seconds else None,
        ) as process:

            def stop() -> None:
                late.set()
                if process.returncode is None:  # what it started holds its output open too
                    os.killpg(process.pid, signal.SIGKILL)

            watch = threading.Timer(seconds or 0, stop)
            if seconds:
                watch.start()
            try:
                for line in process.stdout or ():
                    lines.append(line)
                    if on_line:
                        on_line(line.decode(errors="replace").rstrip("\r\n"))
                code = process.wait()
            finally:
                watch.cancel()
        said = _text(errors)
    if late.is_set():
        return Ended(TIMED_OUT, b"".join(lines), f"{said}\nno end in {seconds:g} s: timed out")
    return Ended(code, b"".join(lines), said)


def piped(source: Sequence[str], target: Sequence[str]) -> tuple[Ended, Ended]:
    """Run two programs of which the second reads what the first writes; how both ended."""
    closed, pipe = subprocess.DEVNULL, subprocess.PIPE
    with tempfile.TemporaryFile() as ours, tempfile.TemporaryFile() as theirs:
        with (
            _started(tuple(source), stdin=closed, stdout=pipe, stderr=ours) as first,
            _started(tuple(target), stdin=first.stdout, stdout=closed, stderr=theirs) as second,
        ):
            if first.stdout:
                first.stdout.close()  # the second alone has it, so the first notices its end
            codes = second.wait(), first.wait()
        return Ended(codes[1], err=_text(ours)), Ended(codes[0], err=_text(theirs))


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def checked(*command: str | Path, failed: str = "", **options: Any) -> str:
    """Run a program that has to succeed; its output. `options` are those of `run`, and `failed` is
    `Ended.require`'s: by default the program's name and first word.
    """
    ended = run(*command, **options)
    ended.require(failed or " ".join([Path(command[0]).name, *map(str, command[1:2])]) + " failed")
    return ended.out


def show(
    *command: str | Path,
    environment: Environment | None = None,
    cwd: Path | None = None,
    plain: bool = False,
) -> int:
    """Run a program on the terminal of whoever called this, keyboard included; its exit code.

    With `plain` the output is without what only a terminal understands, such as colours, and
    messages are among it.
    """
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT} if plain else {}
    with _started(command, environment, cwd, **pipes) as process:
        for line in process.stdout or ():
            sys.stdout.write(_FOR_TERMINALS.sub("", line.decode(errors="replace")))
            sys.stdout.flush()
        return process.wait()


def detached(*command: str | Path, log: IO[bytes]) -> "subprocess.Popen[bytes]":
    """Start a program that outlives this one, in a session of its own; it writes to `log`."""
    closed = subprocess.DEVNULL
    return _start(
        command, cwd=Path("/"), stdin=closed, stdout=log, stderr=log, start_new_session=True
    )


def _start(
    command: tuple[str | Path, ...],
    environment: Environment | None = None,
    cwd: Path | None = None,
    **options: Any,
) -> "subprocess.Popen[bytes]":
    changed = {**os.environ, **(environment or {})}
    kept = {name: value for name, value in changed.items() if value is not None}
    try:
        return subprocess.Popen(command, env=kept, cwd=cwd, **options)
    except (FileNotFoundError, PermissionError) as error:
        if cwd is not None and str(error.filename) == str(cwd):
            raise
        raise MissingProgramError(
            f"the program {Path(command[0]).name} is needed here and cannot be run "
            f"({error.strerror}): install it so that it is on PATH"
        ) from None


@contextmanager
def _started(
    command: tuple[str | Path, ...],
    environment: Environment | None = None,
    cwd: Path | None = None,
    **options: Any,
) -> Iterator["subprocess.Popen[bytes]"]:
    """A program that does not go on where it is left by an exception or an interruption."""
    process = _start(command, environment, cwd, **options)
    try:
        yield process
    except BaseException:
        if options.get("process_group") == 0 and process.returncode is None:
            os.killpg(process.pid, signal.SIGTERM)  # Ctrl-C reaches our own group alone
        process.terminate()
        try:
            process.wait(5)  # it has a few seconds to end itself, since Ctrl-C reached it too
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        raise
    finally:
        if process.stdout:
            process.stdout.close()
