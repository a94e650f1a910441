"""Waiting: until it is true, or until the deadline with what was last seen."""

import pytest

from jhub_testing.waiting import DeadlineReachedError, wait_until


def test_returns_what_came_true() -> None:
    answers = iter([None, "", "ready"])
    assert wait_until(lambda: next(answers), "readiness") == "ready"


def test_deadline_tells_what_was_awaited_and_last_seen() -> None:
    with pytest.raises(DeadlineReachedError, match=r"waited 0 s for a reply; last answer: ''"):
        wait_until(lambda: "", "a reply", patience=0)


def test_ignored_error_is_told_at_the_deadline() -> None:
    def refuse() -> bool:
        raise ConnectionError("refused")

    with pytest.raises(DeadlineReachedError, match="last error: ConnectionError: refused"):
        wait_until(refuse, "a reply", ignoring=ConnectionError, patience=0)


def test_other_errors_pass() -> None:
    def broken() -> bool:
        raise KeyError("bug")

    with pytest.raises(KeyError):
        wait_until(broken, "a reply", ignoring=ConnectionError)
