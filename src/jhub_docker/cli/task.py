"""What every module of tasks needs: `@task`, the checkout's root, and where results go."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from invoke.tasks import Task
from invoke.tasks import task as invoke_task

from jhub_docker import host
from jhub_docker.cli.program import OurTask
from jhub_docker.progress import say

if TYPE_CHECKING:
    from docker import DockerClient

ROOT = Path(__file__).resolve().parents[3]
"""The checkout this library is installed from."""


def task(**options: Any) -> Callable[[Callable[..., None]], Task[Any]]:
    """Declare an Invoke task with this project's grammar; `options` are those of Invoke's own."""

    def declare(body: Callable[..., None]) -> Task[Any]:
        made: Task[Any] = invoke_task(klass=OurTask, **options)(body)
        return made

    return declare


def platform_engine() -> "DockerClient":
    """The engine of a platform that is there: one that can do this, and none is set up for it."""
    return host.require(say, set_up=False, needs={"compose"})


def write(text: str) -> None:
    """Write a result, as opposed to progress, to standard output."""
    sys.stdout.write(text + "\n")
