"""What a person reads about a server that ended, or lost a program, by itself."""

from typing import Any

import pytest

from hub_config.runtime import records


def record(code: int, memory: int = 2**31, **state: Any) -> dict[str, Any]:
    return {"State": {"ExitCode": code, **state}, "HostConfig": {"Memory": memory}}


@pytest.mark.parametrize(
    ("one", "told"),
    [
        (record(137, OOMKilled=True), "more memory than the 2 GB of its profile"),
        (record(137, 0, OOMKilled=True), "more memory than there was"),
        (record(137), "killed from outside"),
        (record(0), "ended by itself."),
        (record(1), "exit code 1"),
        (record(1, OOMKilled=True), "exit code 1"),
    ],
)
def test_the_reason_is_the_one_the_engine_saw(one: dict[str, Any], told: str) -> None:
    assert told in records.why(one)


def test_a_program_lost_to_memory_is_told_while_the_server_runs() -> None:
    assert records.lost(record(0)) == ""
    assert "2 GB" in records.lost(record(0, OOMKilled=True))
