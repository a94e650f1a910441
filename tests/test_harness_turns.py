"""When a test that was alone on the engine lets the others go on."""

from types import SimpleNamespace
from typing import Any

import pytest
from docker.errors import APIError

from jhub_testing.turns import is_well


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
