"""The `@task` of this project: Invoke's, with foreseeable failures shown as one message."""

import functools
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

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
        _help_where_asked(options.values())
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


def _help_where_asked(values: Iterable[Any]) -> None:
    """Show a task's help for `invoke TASK --help`, which Invoke takes for a positional's value."""
    for flag in ("--help", "-h"):
        if flag in list(values):
            name = sys.argv[sys.argv.index(flag) - 1]
            os.execv(sys.argv[0], [sys.argv[0], "--help", name])  # noqa: S606 - invoke itself


def whole_number(flag: str, value: str) -> int:
    """The value of a flag as a number from 0; Invoke's own conversion ends in a traceback."""
    if not value.isdecimal():
        raise UsageError(f"{flag} is {value!r}; expected a whole number from 0")
    return int(value)


def write(text: str) -> None:
    """Write a result, as opposed to progress, to standard output."""
    sys.stdout.write(text + "\n")
