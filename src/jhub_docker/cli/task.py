"""What every module of tasks needs: `@task`, the checkout's root, and where results go."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader
from pathlib import Path
from types import ModuleType
from typing import Any

from invoke.tasks import Task
from invoke.tasks import task as invoke_task

from jhub_docker import host
from jhub_docker.cli.program import OurTask

ROOT = Path(__file__).resolve().parents[3]
"""The checkout this library is installed from."""


def task(**options: Any) -> Callable[[Callable[..., None]], Task[Any]]:
    """Declare an Invoke task with this project's grammar; `options` are those of Invoke's own."""

    def declare(body: Callable[..., None]) -> Task[Any]:
        made: Task[Any] = invoke_task(klass=OurTask, **options)(body)
        return made

    return declare


def platform_root() -> Path:
    """The checkout's root, once an engine was found that can have its platform: none is set up."""
    host.require(set_up=False, needs={"compose"})
    return ROOT


def write(text: str) -> None:
    """Write a result, as opposed to progress, to standard output."""
    sys.stdout.write(text + "\n")


class _Later(MetaPathFinder):
    """Finds the library's modules as ever, and has them loaded when they are first used."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module, if it is one of the library's."""
        found = PathFinder.find_spec(name, path) if name.startswith("jhub_docker.") else None
        if found and found.loader:
            found.loader = LazyLoader(found.loader)
        return found


@contextmanager
def later() -> Iterator[None]:
    """Meanwhile imported modules of the library are loaded when something of them is first used:
    every task would wait for what some tasks need. A name that is taken out of one loads it.
    """
    finder = _Later()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
