"""When a test is alone on the engine, and when it lets the others go on."""

import fcntl
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from docker.errors import APIError

from jhub_testing.turns import Turns, is_well


@pytest.mark.parametrize(
    ("status", "health", "answer", "well"),
    [
        ("running", "healthy", None, True),
        ("running", "unknown", None, True),
        ("running", "unhealthy", None, False),
        ("restarting", "healthy", None, False),
        ("running", "starting", 0, True),
        ("running", "starting", 1, False),
        ("running", "starting", APIError("it ended"), False),
    ],
)
def test_a_service_the_engine_has_not_looked_at_yet_is_asked(
    status: str, health: str, answer: Any, well: bool
) -> None:
    def exec_run(command: list[str]) -> Any:
        assert command == ["look", "--closely"]
        if isinstance(answer, APIError):
            raise answer
        return SimpleNamespace(exit_code=answer)

    attrs = {"Config": {"Healthcheck": {"Test": ["CMD", "look", "--closely"]}}}
    service: Any = SimpleNamespace(status=status, health=health, attrs=attrs, exec_run=exec_run)
    assert is_well(service) is well


def test_nobody_of_the_checkout_begins_while_one_is_alone(tmp_path: Path) -> None:
    engine: Any = SimpleNamespace(
        client=SimpleNamespace(containers=SimpleNamespace(list=lambda **_: []))
    )

    def begins() -> bool:
        with (tmp_path / ".test-logs/engine-alone.lock").open() as gate:
            try:
                fcntl.flock(gate, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
        return True

    mine = Turns.of(tmp_path)
    with mine.beside_others():
        assert begins()
        with mine.alone(engine):
            assert not begins()
        assert begins()
