"""What takes entries for the audit log while requests are answered: no disk, however full, and no
stranger keeps anybody waiting or pushes anything out."""

import errno
import logging
import os
from collections.abc import Iterator

import pytest

from hub_config import tracing
from hub_config.audit import events, journal
from hub_config.audit.journal import Journal

from .logged import verdict


@pytest.fixture
def recorder(log: Journal, monkeypatch: pytest.MonkeyPatch) -> Iterator[events.Recorder]:
    monkeypatch.setattr(events, "_recorder", None)
    monkeypatch.setattr(events, "AGAIN", 0.05)
    made = events.begin(log)
    yield made
    made.close()


def test_what_is_told_says_by_whose_request(log: Journal, recorder: events.Recorder) -> None:
    visit = tracing.Visit("request-1", "ann", "192.0.2.7")
    token = tracing.current.set(visit)
    try:
        events.tell("server.start", on="ann")
        visit.open = False  # answered; what goes on in its context is the hub's own
        events.tell("server.stopped", on="ann")
        cause = tracing.cause.set("bob")
        events.tell("server.stopped", on="ann")
        tracing.cause.reset(cause)
    finally:
        tracing.current.reset(token)
    recorder.flush()
    last, own, first = journal.newest_first(log.folder)
    assert (first["who"], first["from"], first["request"]) == ("ann", "192.0.2.7", "request-1")
    assert own["who"] == "hub"
    assert "from" not in own
    assert (last["who"], last["request"]) == ("bob", "request-1")


def test_a_refusal_that_comes_again_is_counted(log: Journal, recorder: events.Recorder) -> None:
    for _ in range(500):
        events.tell("login", result="throttled (429)", who="somebody")
    events.tell("login", result="throttled (429)", who="somebody", on="ann")
    recorder.flush()
    found = list(journal.newest_first(log.folder))
    assert sorted((one["on"], one.get("times", 1)) for one in found) == [
        ("", 1),
        ("", 499),
        ("ann", 1),
    ]


def test_whoever_makes_up_requests_pushes_nothing_out(
    log: Journal, recorder: events.Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "WINDOW", 3600.0)
    for number in range(400):
        address = {"from": f"2001:db8:0:{number:x}::/64"}
        about = {"what": f"second-factor.{number}", "on": f"x{number}", "who": "ann", **address}
        events.tell(**about, result="refused (403)")
        events.tell("login", who=events.NOBODY, result="refused (403)", **address)
        events.tell("logout", who=events.NOBODY)
        events.tell("token.make", who="ben", on="ben", expires_in=number, **address)
        events.tell("account.approve", who="admin", on=f"person{number}")
        events.tell("server.started", who=f"pupil{number}", result="failed (full)")
    recorder.flush(60)
    found = list(journal.newest_first(log.folder))
    told = [one for one in found if one["what"] not in ("account.approve", "server.started")]
    assert len(found) - len(told) == 800, "what others do is told one by one"
    assert len(told) < 2 * (events.EACH + events.ALL + 4) + events.EACH
    of_ann = [one for one in told if one["who"] == "ann"]
    assert {one["what"] for one in of_ann if one["what"].startswith("audit")} == {events.OTHERS}
    assert sum(one.get("times", 1) for one in of_ann) == 400
    assert sum(one.get("times", 1) for one in told if one["who"] == "ben") == 400


def test_a_full_disk_keeps_nobody_waiting_and_loses_nothing(
    log: Journal,
    recorder: events.Recorder,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    real = os.fdatasync

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fdatasync", full)
    with caplog.at_level(logging.WARNING):
        for number in range(5):
            events.tell("login", on=f"person{number}")
        recorder.flush(0.5)
        assert recorder.trouble == "No space left on device"
        assert not list(journal.newest_first(log.folder)), "half of it would break the chain"
        monkeypatch.setattr(os, "fdatasync", real)
        recorder.flush()
    assert [one["on"] for one in journal.newest_first(log.folder)] == [
        f"person{number}" for number in reversed(range(5))
    ]
    assert verdict(log).broken == ""
    assert recorder.trouble == ""
    assert "cannot be written" in caplog.text


def test_an_entry_that_cannot_be_written_holds_up_no_other(
    log: Journal, recorder: events.Recorder
) -> None:
    events.tell("login", on="ann", number=10**5000)
    events.tell("login", on="bob")
    recorder.flush()
    found = list(journal.newest_first(log.folder))
    assert [one["on"] for one in found] == ["bob", "ann"]
    assert verdict(log).broken == ""


def test_what_does_not_fit_into_memory_is_counted(
    log: Journal, recorder: events.Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "MOST_WAITING", 3)
    real = os.fdatasync
    monkeypatch.setattr(os, "fdatasync", lambda _: os.truncate("/nowhere", 0))
    for number in range(5):
        events.tell("login", on=f"person{number}")
    recorder.flush(0.5)
    monkeypatch.setattr(os, "fdatasync", real)
    recorder.flush()
    newest = next(journal.newest_first(log.folder))
    assert (newest["what"], newest["entries"]) == ("audit.lost", 2)
