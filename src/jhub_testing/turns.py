"""Tests of several processes and sessions on one engine: beside each other, or one alone where it
must be.

A test that restarts the engine waits until no other test is under way, and none begins meanwhile.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from docker.errors import APIError
from docker.models.containers import Container

from jhub_testing.resources import Engine
from jhub_testing.waiting import wait_until


class Turns:
    """Two locked files in a folder that all the processes know: who uses it, who wants it alone."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._use = (folder / "engine.lock").open("w")
        self._gate = (folder / "engine-alone.lock").open("w")

    @classmethod
    def of(cls, root: Path) -> "Turns":
        """Those of a checkout's sessions."""
        return cls(root / ".test-logs")

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
        try:
            yield
            wait_until(lambda: not _unwell(engine), "the platforms of other tests to be well")
        finally:
            fcntl.flock(self._use, fcntl.LOCK_SH)
            fcntl.flock(self._gate, fcntl.LOCK_UN)


def _unwell(engine: Engine) -> list[str]:
    """The services of test platforms that are not well."""
    services = engine.client.containers.list(
        all=True, filters={"label": "com.docker.compose.service"}, ignore_removed=True
    )
    return [
        one.name or ""
        for one in services
        if one.labels.get("com.docker.compose.project", "").startswith("jhub-test-")
        and not is_well(one)
    ]


def is_well(service: Container) -> bool:
    """Whether a service runs, and its health check is content.

    An engine that was restarted calls nobody well before the next of its own checks, which is 45
    seconds later: the same is asked here.
    """
    if service.status != "running" or service.health == "unhealthy":
        return False
    if service.health != "starting":
        return True
    kind, *command = service.attrs["Config"]["Healthcheck"]["Test"]
    asked = ["sh", "-c", *command] if kind == "CMD-SHELL" else command
    with suppress(APIError):  # it may end just now
        return bool(service.exec_run(asked).exit_code == 0)
    return False
