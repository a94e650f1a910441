"""The drills' checkers against histories made by hand: a good one passes, each bad one is named."""

from collections.abc import Callable

import pytest

from jhub_testing import histories
from jhub_testing.histories import READ, WRITE, Answer, Event, History, Outcome, Running

DONE, REFUSED, UNANSWERED = Outcome


def events(*ends: tuple[str, Outcome, str], what: str = WRITE) -> list[Event]:
    """One person's, one after the other: text, how it ended, the file."""
    return [
        Event("ann", what, place, place + 0.5, outcome, file, text)
        for place, (text, outcome, file) in enumerate(ends)
    ]


GOOD = events(("ann 1", DONE, "a"), ("ann 2", DONE, "a"), ("ann 3", UNANSWERED, "a"))


@pytest.mark.parametrize("there", ["ann 2", "ann 3"])
def test_the_last_acknowledged_write_is_there_or_one_that_nobody_knows_of(there: str) -> None:
    assert histories.lost_writes(GOOD, {"ann": {"a": there}}) == []


@pytest.mark.parametrize(
    ("there", "told"),
    [
        ({}, "ann's a is gone, which was acknowledged: 'ann 2'"),
        ({"a": "ann 1"}, "ann's a is 'ann 1', but 'ann 2' was acknowledged"),
        ({"a": ""}, "ann's a is '', but 'ann 2' was acknowledged"),
    ],
    ids=["gone", "an older one", "cut off"],
)
def test_a_lost_write_is_named(there: dict[str, str], told: str) -> None:
    assert histories.lost_writes(GOOD, {"ann": there}) == [told]


def test_what_was_never_acknowledged_may_be_there_or_not() -> None:
    history = events(("ann 1", REFUSED, "a"), ("ann 2", UNANSWERED, "b"))
    for there in ({}, {"a": "ann 1", "b": "ann 2"}):
        assert histories.lost_writes(history, {"ann": there}) == []


@pytest.mark.parametrize(("outcome", "wrong"), [(DONE, 1), (REFUSED, 1), (UNANSWERED, 0)])
def test_an_older_write_comes_back_only_if_it_was_still_under_way(
    outcome: Outcome, wrong: int
) -> None:
    history = events(("ann 1", outcome, "a"), ("ann 2", DONE, "a"))
    assert len(histories.lost_writes(history, {"ann": {"a": "ann 1"}})) == wrong


def test_a_home_of_somebody_else_is_seen_by_what_is_read_and_by_what_is_there() -> None:
    assert (
        histories.strangers(events(("ann 1", DONE, "a"), what=READ), {"ann": {"a": "ann 1"}}) == []
    )
    read = histories.strangers(events(("bob 1", DONE, "a"), what=READ), {})
    there = histories.strangers([], {"ann": {"a": "annabel 1"}})
    assert read == ["ann has somebody else's a: 'bob 1'"]
    assert there == ["ann has somebody else's a: 'annabel 1'"]


SERVER = Running("jupyter-ann", "ann", 512, 0.5, ("ann",))
PROMISE = {"container": "jupyter-ann", "memory": 512, "cpus": 0.5}


@pytest.mark.parametrize(
    ("promised", "running", "told"),
    [
        ([PROMISE], [SERVER], []),
        ([PROMISE], [], ["jupyter-ann is promised and does not run"]),
        ([], [SERVER], ["jupyter-ann runs and is not promised"]),
        (
            [PROMISE | {"memory": 256}],
            [SERVER],
            ["jupyter-ann has (512, 0.5), promised are (256, 0.5)"],
        ),
        (
            [PROMISE | {"cpus": 1.0}],
            [SERVER],
            ["jupyter-ann has (512, 0.5), promised are (512, 1.0)"],
        ),
    ],
    ids=["kept", "too many", "too few", "memory", "CPU"],
)
def test_promises_are_what_runs(
    promised: list[dict[str, object]], running: list[Running], told: list[str]
) -> None:
    assert histories.unkept_promises(promised, running) == told


@pytest.mark.parametrize("homes", [(), ("bob",), ("ann", "bob")])
def test_a_server_with_other_homes_is_named(homes: tuple[str, ...]) -> None:
    assert histories.foreign_homes([SERVER]) == []
    assert histories.foreign_homes([Running("jupyter-ann", "ann", 1, 1, homes)])


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("The disk of this machine is full. Tell an administrator.", True),
        ("503\nThe hub does not answer\nTry again in a minute; what runs goes on.", True),
        ("Service Unavailable", False),
        ("Internal Server Error\nError 500", False),
        ("", False),
        ("Traceback (most recent call last):\n  it is in this file and it is long", False),
    ],
)
def test_who_is_refused_something_reads_a_sentence(told: str, said: bool) -> None:
    history = [Event("ann", "start", 0, 1, REFUSED, told=told)]
    assert (histories.unnamed_failures(history) == []) is said
    assert bool(histories.sayings(history)) is said


def test_what_nobody_answered_was_refused_by_nobody() -> None:
    assert histories.unnamed_failures([Event("ann", "start", 0, 1, UNANSWERED)]) == []


def test_what_people_were_told_is_listed_by_how_often() -> None:
    often, once = "The home of ann has no room left.", "The hub is not there at the moment."
    history = [Event("ann", "write", 0, 1, REFUSED, told=told) for told in (once, often, often)]
    assert histories.sayings(history) == [often.replace("ann", "NAME"), once]


@pytest.mark.parametrize(("done", "outcome"), [(True, DONE), (False, REFUSED), (None, UNANSWERED)])
def test_what_is_done_is_written_down(done: bool | None, outcome: Outcome) -> None:
    history = History()
    act: Callable[[], Answer] = lambda: Answer(done, "so it is", "ann 1")  # noqa: E731
    event = history.record("ann", READ, act, "a")
    assert (event.outcome, event.value, event.told, event.file) == (
        outcome,
        "ann 1",
        "so it is",
        "a",
    )
    assert history.since(event.begun) == (event,)
    assert history.since(event.ended + 1) == ()
