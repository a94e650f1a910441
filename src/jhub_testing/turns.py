"""Tests of several processes on one engine: beside each other, or one alone where it must be.

A test that restarts the engine waits until no other test is under way, and none begins meanwhile.
"""

import fcntl
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from docker.models.containers import Container

from jhub_testing.resources import Engine
from jhub_testing.waiting import wait_until


class Turns:
    """Two locked files in a folder that all the processes know: who uses it, who wants it alone."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._use = (folder / "engine.lock").open("w")
        self._gate = (folder / "engine-alone.lock").open("w")

    @contextmanager
    def beside_others(self) -> Iterator[None]:
        """For the time of one test."""
        fcntl.flock(self._gate, fcntl.LOCK_EX)
        fcntl.flock(self._use, fcntl.LOCK_SH)
        fcntl.flock(self._gate, fcntl.LOCK_UN)
        try:
            yield
        finally:
            fcntl.flock(self._use, fcntl.LOCK_UN)

    @contextmanager
    def alone(self, engine: Engine) -> Iterator[None]:
        """Within a test: nobody else's runs until all platforms of tests are well again."""
        fcntl.flock(self._use, fcntl.LOCK_UN)  # or two that want to be alone wait for each other
        fcntl.flock(self._gate, fcntl.LOCK_EX)
        fcntl.flock(self._use, fcntl.LOCK_EX)
        went_on = {_run(one) for one in _services(engine)}
        try:
            yield
            wait_until(lambda: not _unwell(engine, went_on), "others' platforms to be well")
        finally:
            fcntl.flock(self._use, fcntl.LOCK_SH)
            fcntl.flock(self._gate, fcntl.LOCK_UN)


def _unwell(engine: Engine, went_on: Collection[tuple[str, str]]) -> list[str]:
    """The services of test platforms that a health check or the engine does not call well.

    An engine that was started again has not asked those that went on meanwhile, for half a minute.
    """
    return [
        one.name or ""
        for one in _services(engine)
        if one.status != "running"
        or (one.health not in ("healthy", "unknown") and _run(one) not in went_on)
    ]


def _services(engine: Engine) -> list[Container]:
    found = engine.client.containers.list(
        all=True, filters={"label": "com.docker.compose.service"}, ignore_removed=True
    )
    project = "com.docker.compose.project"
    return [one for one in found if one.labels.get(project, "").startswith("jhub-test-")]


def _run(container: Container) -> tuple[str, str]:
    """One run of a container: it has another when it is started again."""
    return container.id or "", str(container.attrs["State"]["StartedAt"])
