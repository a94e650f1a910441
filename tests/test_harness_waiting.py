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


@pytest.mark.parametrize(("steadily", "looks"), [(True, 101), (False, 35)])
def test_looks_get_rarer_where_nobody_measures(
    steadily: bool, looks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, seen = [0.0], []
    monkeypatch.setattr("jhub_testing.waiting.time.monotonic", lambda: now[0])
    sleep = lambda pause: now.__setitem__(0, now[0] + pause)  # noqa: E731
    monkeypatch.setattr("jhub_testing.waiting.time.sleep", sleep)
    with pytest.raises(DeadlineReachedError):
        wait_until(lambda: seen.append(now[0]), "it", patience=10, steadily=steadily)
    assert len(seen) == pytest.approx(looks, abs=2)


def test_other_errors_pass() -> None:
    def broken() -> bool:
        raise KeyError("bug")

    with pytest.raises(KeyError):
        wait_until(broken, "a reply", ignoring=ConnectionError)
