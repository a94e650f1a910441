"""Waits after failures: whom they hit, how they grow, and that they end by themselves."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from hub_config.login.throttling import FailedLoginRow, FailedLogins, Limits, Source, pause

from .conftest import Clock

HERE, THERE = Source("10.0.0.1"), Source("10.0.0.2")
KNOWN = Source("10.0.0.1", browser="abc")


@pytest.fixture
def failed(db: Session, clock: Clock) -> FailedLogins:
    return FailedLogins(db, Limits(free=3, longest=300), clock)


def fail(failed: FailedLogins, times: int, name: str = "alice", source: Source = HERE) -> None:
    for _ in range(times):
        failed.failed(name, source)


@pytest.mark.parametrize(
    ("level", "seconds"), [(0, 0), (2, 0), (3, 1), (4, 2), (5, 4), (20, 300), (1e9, 300)]
)
def test_waits_double_up_to_the_longest(level: float, seconds: float) -> None:
    assert pause(level, 3, 300) == seconds


def test_a_name_waits_at_the_address_that_failed_and_nowhere_else(failed: FailedLogins) -> None:
    fail(failed, 2)
    assert failed.wait("alice", HERE) == 0
    fail(failed, 1)
    assert failed.wait("alice", HERE) == 1
    assert failed.wait("alice", THERE) == 0
    assert failed.wait("bob", HERE) == 0


def test_a_wait_ends_by_itself_and_trying_does_not_prolong_it(
    failed: FailedLogins, clock: Clock
) -> None:
    fail(failed, 30)
    assert failed.wait("alice", HERE) == 300
    clock.now += 299
    assert failed.wait("alice", HERE) == 1
    clock.now += 1
    assert failed.wait("alice", HERE) == 0


def test_a_known_browser_is_not_hit_by_others_at_its_address(failed: FailedLogins) -> None:
    fail(failed, 100)
    assert failed.wait("alice", KNOWN) == 0
    fail(failed, 3, source=KNOWN)
    assert failed.wait("alice", KNOWN) == 1, "its own failures count"


def test_an_address_that_tries_many_names_waits(failed: FailedLogins) -> None:
    for number in range(15):
        fail(failed, 1, name=f"person{number}")
    assert failed.wait("somebody-else", HERE) > 0
    assert failed.wait("somebody-else", THERE) == 0
    assert failed.wait("alice", KNOWN) == 0


def test_a_name_tried_from_everywhere_leaves_one_free_failure_to_each(
    failed: FailedLogins,
) -> None:
    for number in range(30):
        fail(failed, 1, source=Source(f"10.1.0.{number}"))
    assert failed.wait("alice", THERE) == 0, "the owner at another address still gets in"
    fail(failed, 1, source=THERE)
    assert failed.wait("alice", THERE) > 0
    assert failed.wait("alice", Source("10.9.9.9", browser="known")) == 0


def test_a_restart_forgives_nothing(failed: FailedLogins, db: Session, clock: Clock) -> None:
    fail(failed, 5)
    again = FailedLogins(db, Limits(free=3, longest=300), clock)
    assert again.wait("alice", HERE) == 4


def test_success_and_a_reset_forgive(failed: FailedLogins) -> None:
    fail(failed, 5)
    failed.succeeded("alice", HERE)
    assert failed.wait("alice", HERE) == 0
    fail(failed, 5)
    failed.forget("alice")
    assert failed.wait("alice", HERE) == 0


def test_attempts_side_by_side_get_no_more_guesses(failed: FailedLogins) -> None:
    fail(failed, 2)
    with failed.attempt("alice", HERE):
        assert failed.wait("alice", HERE) > 0
    assert failed.wait("alice", HERE) == 0


def test_what_is_forgiven_is_deleted(failed: FailedLogins, db: Session, clock: Clock) -> None:
    for number in range(50):
        fail(failed, 1, name=f"made-up-{number}")
    clock.now += 100_000
    fail(failed, 1)
    assert len(db.scalars(select(FailedLoginRow)).all()) == 3


def test_no_limit_counts_nothing(db: Session) -> None:
    unlimited = FailedLogins(db, Limits(free=0, longest=300))
    fail(unlimited, 100)
    assert unlimited.wait("alice", HERE) == 0


def test_what_was_typed_as_a_name_is_not_stored(failed: FailedLogins, db: Session) -> None:
    fail(failed, 1, name="my secret password")
    rows = db.scalars(select(FailedLoginRow)).all()
    assert rows
    assert not any("secret" in row.key + row.about or "10.0" in row.key for row in rows)


def test_a_clock_set_back_makes_nobody_wait_longer(failed: FailedLogins, clock: Clock) -> None:
    fail(failed, 30)
    clock.now -= 36_000
    assert failed.wait("alice", HERE) == 300
    fail(failed, 1)
    assert failed.wait("alice", HERE) == 300
    clock.now += 300
    assert failed.wait("alice", HERE) == 0


@pytest.mark.parametrize("longest", [1, 60, 300])
@pytest.mark.parametrize("jump", [-1e6, -36_000, -1, 0, 1, 36_000, 1e6])
def test_no_wait_is_longer_than_the_longest(
    db: Session, clock: Clock, longest: int, jump: float
) -> None:
    failed = FailedLogins(db, Limits(free=3, longest=longest), clock)
    for _ in range(40):
        fail(failed, 1)
        clock.now += jump
        assert failed.wait("alice", HERE) <= longest
