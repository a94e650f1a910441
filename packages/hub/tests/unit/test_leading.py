"""One hub at a time: when one ends itself, whom the filter hears, whose place on networks it is.

That another one goes on in time is tested with real hubs in `integration/operations`.
"""

from pathlib import Path
from typing import Any

import psycopg
import pytest

from engine_filter.calls import Refused
from engine_filter.serving import newest
from hub_config import DatabaseError, SettingsError, leading, names, postgres
from hub_config.runtime.client import Client
from hub_config.settings import reading

from .hub_in_a_box import Box

NETWORK = "jupyterhub-net-ann"


class Session:
    """A database that answers some questions, each after a while, then none."""

    def __init__(self, clock: "Clock", answers: list[float]) -> None:
        self.clock, self.answers, self.patience = clock, answers, 0.0
        self.answered = clock.at

    def execute(self, _query: str) -> None:
        asked, takes = self.clock.at, self.answers.pop(0) if self.answers else self.patience
        self.clock.at += min(takes, self.patience)
        if takes >= self.patience:
            raise psycopg.OperationalError("no answer")
        self.answered = asked

    def fileno(self) -> int:
        return 0


class Clock:
    at = 1000.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(leading, "now", lambda: clock.at)
    monkeypatch.setattr(postgres.PULSE, "good_until", 0.0)

    def select(*_: Any) -> None:
        clock.at += leading.BEAT

    monkeypatch.setattr(leading.select, "select", select)
    return clock


@pytest.mark.parametrize("answers", [[], [0.0], [0.5, 4.9], [5.0, 0.0, 0.9], [0.1] * 50])
def test_it_ends_before_the_database_gives_the_lock_away(
    clock: Clock, answers: list[float]
) -> None:
    session, ended = Session(clock, answers), list[str]()
    leading.watch(session, clock.at, ended.append)  # type: ignore[arg-type]
    # The database counts from when it got the last question, at the earliest.
    assert ended
    assert clock.at <= session.answered + leading.DOUBT < session.answered + leading.FREED
    assert postgres.PULSE.good_until in (0.0, session.answered + leading.DOUBT)


def test_one_that_was_frozen_asks_nothing_more(clock: Clock) -> None:
    session, ended = Session(clock, [0.0]), list[str]()
    leading.watch(session, clock.at - leading.FREED, ended.append)  # type: ignore[arg-type]
    assert ended == ["the database has not answered within 6 s"]
    assert session.answers, "it was asked"
    assert postgres.PULSE.gone, "nothing else may ask the database either"


def test_the_lock_needs_a_session_that_the_database_ends() -> None:
    own = {"SELECT pg_backend_pid()": 7, "SHOW idle_session_timeout": f"{leading.FREED}s"}
    leading.require_own_session(7, own.__getitem__)
    with pytest.raises(DatabaseError, match="pool of connections"):
        leading.require_own_session(8, own.__getitem__)
    with pytest.raises(DatabaseError, match="idle_session_timeout is 0"):
        leading.require_own_session(7, (own | {"SHOW idle_session_timeout": "0"}).__getitem__)


def test_the_filter_hears_the_newest_hub_alone() -> None:
    known = newest("", 0)
    for said in ("1796040321", "1796040321", "1796040325", ""):
        known = newest(said, known)
    assert known == 1796040325
    for said in ("1796040324", "0", "-1", "1e99", "٣", "9" * 40):
        with pytest.raises(Refused, match="has taken over"):
            newest(said, known)


def test_every_client_of_the_engine_says_which_hub_it_is_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert "X-Hub-Epoch" not in Client(version="1.45").headers
    monkeypatch.setenv(names.EPOCH_VARIABLE, "1796040321")
    assert Client(version="1.45").headers["X-Hub-Epoch"] == "1796040321"


async def test_who_takes_over_has_the_place_on_all_networks(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    await box.start(box.person("ann"))
    box.engine._service("standby")
    for now, before in (("standby", "hub"), ("hub", "standby")):
        monkeypatch.setattr(names, "SERVICE", now)
        box.live()
        await box.take_over()
        there = {
            one
            for one in ("hub", "standby", "proxy")
            if NETWORK in box.engine.containers_[one]["NetworkSettings"]["Networks"]
        }
        assert there == {now, "proxy"}, f"{before} is still there, or {now} is not"
        assert box.servers() == {("ann", "")}


def test_failover_wants_postgres(tmp_path: Path) -> None:
    none = tmp_path / "none.toml"
    with pytest.raises(SettingsError, match=r"JHUB_FAILOVER.*JHUB_DB_URL"):
        reading.read({"JHUB_FAILOVER": "true"}, none)
    given = {"JHUB_FAILOVER": "true", "JHUB_DB_URL": "postgresql+psycopg://hub@db/hub"}
    assert reading.read(given, none).failover
