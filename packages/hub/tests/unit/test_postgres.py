"""What becomes of a question that PostgreSQL does not answer, That it holds with
a server that is stopped, killed, full or replaced is tested in `integration/`.
"""

from collections.abc import Generator
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest
from psycopg import errors
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError

from hub_config import postgres

URL = "postgresql+psycopg://hub@nobody.invalid/hub"


def silent() -> Generator[str, Any, str]:
    """psycopg's wait for an answer that does not come until one is there."""
    while not (yield "readable"):
        pass
    return "answer"


def asked(patience: float = 60.0) -> tuple[Any, Generator[Any, Any, Any]]:
    connection = SimpleNamespace(pgconn=MagicMock(), patience=patience, watched=True)
    waiting = postgres.PatientConnection._in_time(connection, silent())  # type: ignore[arg-type]
    assert next(waiting) == "readable"
    assert waiting.send(0) == "readable" if patience else True
    return connection, waiting


def test_an_answer_is_waited_for() -> None:
    connection, waiting = asked()
    with pytest.raises(StopIteration) as ended:
        waiting.send(1)
    assert ended.value.value == "answer"
    connection.pgconn.finish.assert_not_called()


def test_a_server_that_is_gone_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    connection, waiting = asked()
    monkeypatch.setattr(postgres.PULSE, "_gone", True)
    with pytest.raises(errors.OperationalError, match="does not answer"):
        waiting.send(0)
    connection.pgconn.finish.assert_called_once()
    with pytest.raises(OperationalError, match="does not answer"):
        create_engine(URL).connect()


def test_a_wait_has_an_end_though_nobody_has_noticed() -> None:
    connection, waiting = asked(patience=0)
    with pytest.raises(errors.OperationalError, match="does not answer"):
        waiting.send(0)
    connection.pgconn.finish.assert_called_once()


@pytest.mark.parametrize("told", [errors.AdminShutdown, errors.ReadOnlySqlTransaction])
def test_a_connection_is_lost_that_its_server_ended(told: type[Exception]) -> None:
    """The server says so before the connection itself is seen to be closed."""
    context = MagicMock(original_exception=told("terminating connection"), is_disconnect=False)
    postgres._lost(context)
    assert context.is_disconnect
