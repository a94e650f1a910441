"""The `@task` of this project: Invoke's, with foreseeable failures shown as one message."""

import functools
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from invoke.collection import Collection
from invoke.exceptions import Exit
from invoke.tasks import Task
from invoke.tasks import task as invoke_task

from jhub_docker.errors import JhubDockerError, UsageError

ROOT = Path(__file__).resolve().parents[3]
"""The checkout this library is installed from."""


def task(**options: Any) -> Callable[[Callable[..., None]], Task[Any]]:
    """Declare an Invoke task whose `JhubDockerError`s become a message and an exit code.

    `options` are those of Invoke's own `@task`.
    """

    def declare(body: Callable[..., None]) -> Task[Any]:
        made: Task[Any] = invoke_task(**options)(_reporting(body))
        return made

    return declare


def _reporting(body: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(body)
    def run(*arguments: Any, **options: Any) -> Any:
        try:
            return body(*arguments, **options)
        except JhubDockerError as error:
            raise Exit(f"error: {error}", code=error.exit_code) from None
        except KeyboardInterrupt:
            raise Exit("interrupted", code=130) from None
        except Exception as error:
            if _from_docker(error):
                raise Exit(f"error: the Docker Engine refused: {error}", code=1) from None
            raise

    return run


def _from_docker(error: Exception) -> bool:
    """Whether docker-py raised it: without importing that, which `engine.quick` avoids."""
    errors = sys.modules.get("docker.errors")
    return errors is not None and isinstance(error, errors.DockerException)


def help_where_asked(namespace: Collection, arguments: Sequence[str]) -> None:
    """Show the help of `invoke TASK --help`, which Invoke may take for a positional's value.

    `-h` has to follow the task's name: behind other words it may be the short form of a flag.
    """
    names = {name for pair in namespace.task_names.items() for name in (pair[0], *pair[1])}
    for index, word in enumerate(arguments):
        asked = [name for name in arguments[1:index] if name in names]
        if asked and (word == "--help" or (word == "-h" and arguments[index - 1] in names)):
            own = [sys.executable, "-m", "invoke", "--help", asked[-1]]
            os.execv(sys.executable, own)  # noqa: S606 - this very program


def whole_number(flag: str, value: str, least: int = 0) -> int:
    """The value of a flag as a number from `least`; Invoke's own conversion ends in a traceback."""
    if not value.isdecimal() or int(value) < least:
        raise UsageError(f"{flag} is {value!r}; expected a whole number from {least}")
    return int(value)


def write(text: str) -> None:
    """Write a result, as opposed to progress, to standard output."""
    sys.stdout.write(text + "\n")
