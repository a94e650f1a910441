"""The two kinds of foreseeable failure, each with the exit code a shell sees.

Anything else that escapes is a bug and keeps its traceback.
"""

import errno
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class JhubDockerError(Exception):
    """A failure to show as one message: what was wrong, what was expected, what to do next."""

    exit_code = 1


class UsageError(JhubDockerError):
    """The caller asked for something that cannot be: a wrong argument, file or setting."""

    exit_code = 2


class ActionError(JhubDockerError):
    """The request was right and carrying it out failed."""

    exit_code = 1


def one_of(flag: str, value: str, known: Iterable[str]) -> str:
    """The value of a flag or a variable, which has to be one of those known."""
    if value not in (listed := list(known)):
        raise UsageError(f"{flag} is {value!r}; expected one of {', '.join(listed)}")
    return value


def failure(code: int, words: str) -> JhubDockerError:
    """The failure that a program of ours ended with: its exit code, and its words."""
    return (UsageError if code == UsageError.exit_code else ActionError)(words)


def foreseeable(error: BaseException) -> JhubDockerError | None:
    """The failure that a person can act on, whoever raised it; None for a bug.

    Beside our own these are what the operating system and the Docker Engine refuse.
    """
    if isinstance(error, JhubDockerError):
        return error
    if isinstance(error, UnicodeDecodeError):
        before, after = error.object[: error.start], error.object[error.start :]
        line = before.rpartition(b"\n")[2] + after.partition(b"\n")[0]
        shown = line.decode(errors="replace")
        return UsageError(f"a file is not UTF-8 text, in its line {shown!r}: save it as UTF-8")
    # Asked without importing docker-py, which takes long and which most calls never load.
    docker = sys.modules.get("docker.errors")
    if docker is not None and isinstance(error, docker.DockerException):
        return ActionError(f"the Docker Engine refused: {error}")
    if isinstance(error, OSError):
        return ActionError(_refused(error))
    return None


@contextmanager
def or_exit() -> Iterator[None]:
    """Let what can be foreseen end this program with its sentence and its exit code."""
    try:
        yield
    except Exception as error:
        if (known := foreseeable(error)) is None:
            raise
        print(f"error: {known}", file=sys.stderr)
        raise SystemExit(known.exit_code) from None


def _refused(error: OSError) -> str:
    """What the operating system refused, of which file, and what to do about it."""
    said = error.strerror or str(error) or type(error).__name__
    where = f"{error.filename}: " if error.filename else ""
    if isinstance(error, PermissionError):
        return f"{where}{said}: run this as who owns it, or give it to this user (chown)"
    if error.errno == errno.ENOSPC:
        return f"{where}{said}: make room there and run this again"
    return f"{where}{said}"
