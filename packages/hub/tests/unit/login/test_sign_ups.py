"""How many accounts one address may ask for: whom it hits, and that it ends by itself."""

import asyncio

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from hub_config.login.accounts import AccountError
from hub_config.login.newcomers import SignUp
from hub_config.login.throttling import (
    FailedLoginRow,
    FailedLogins,
    Limits,
    RefusedError,
    SignUps,
    Source,
)

from .conftest import GOOD, Clock, Make, form

HERE, THERE = "10.0.0.1", "10.0.0.2"


@pytest.fixture
def sign_ups(db: Session, clock: Clock) -> SignUps:
    """Twelve an hour: one every five minutes."""
    return SignUps(db, 12, clock)


def make(sign_ups: SignUps, times: int, address: str = HERE) -> None:
    for _ in range(times):
        sign_ups.attempt(address)
        sign_ups.made(address)


def test_a_class_signs_up_at_once_then_the_address_waits(sign_ups: SignUps) -> None:
    make(sign_ups, 12)
    assert sign_ups.wait(HERE) == 300
    with pytest.raises(RefusedError, match="in 5 minutes, or ask an administrator") as refused:
        sign_ups.attempt(HERE)
    assert (refused.value.status, refused.value.wait) == (429, 300)
    assert sign_ups.wait(THERE) == 0


def test_the_wait_ends_by_itself(sign_ups: SignUps, clock: Clock) -> None:
    make(sign_ups, 12)
    clock.now += 290
    with pytest.raises(RefusedError, match="in 1 minute, or"):
        sign_ups.attempt(HERE)
    clock.now += 10
    make(sign_ups, 1)
    assert sign_ups.wait(HERE) == 300
    clock.now += 3600
    make(sign_ups, 12)


def test_a_restart_forgives_nothing(sign_ups: SignUps, db: Session, clock: Clock) -> None:
    make(sign_ups, 12)
    db.expire_all()
    assert SignUps(db, 12, clock).wait(HERE) == 300


def test_zero_is_no_limit(db: Session, clock: Clock) -> None:
    make(SignUps(db, 0, clock), 100)
    assert not db.scalars(select(FailedLoginRow)).all()


def test_no_address_is_stored_and_old_counts_go(
    sign_ups: SignUps, db: Session, clock: Clock
) -> None:
    make(sign_ups, 3)
    rows = db.scalars(select(FailedLoginRow)).all()
    assert not [row for row in rows if HERE in row.key + row.about]
    clock.now += 901
    make(sign_ups, 1, THERE)
    assert len(db.scalars(select(FailedLoginRow)).all()) == len(rows) == 2


def test_failed_log_ins_and_sign_ups_do_not_count_for_each_other(
    sign_ups: SignUps, db: Session, clock: Clock
) -> None:
    failed = FailedLogins(db, Limits(free=3, longest=300), clock)
    make(sign_ups, 12)
    assert failed.wait("alice", Source(HERE)) == 0
    for _ in range(30):
        failed.failed("alice", Source(THERE))
    assert sign_ups.wait(THERE) == 0


def test_side_by_side_there_are_no_more_than_one_after_the_other(make: Make) -> None:
    authenticator = make(signups_per_address=3)

    async def together() -> list[object]:
        attempts = (authenticator.sign_up(form(f"alice{n}")) for n in range(10))
        return await asyncio.gather(*attempts, return_exceptions=True)

    answers = asyncio.run(together())
    assert sum(isinstance(answer, RefusedError) for answer in answers) == 7
    assert len([name for name in authenticator.accounts.names() if name != "admin"]) == 3


def test_a_class_that_mistypes_gets_its_accounts(make: Make) -> None:
    """Thirty behind one address, each with a password or a name that is refused first."""
    authenticator = make(signups_per_address=30)
    for number in range(30):
        name = f"student{number}"
        for mistake in (form(name, "short"), form(f"{name}!")):
            with pytest.raises(AccountError, match=r"name|password"):
                asyncio.run(authenticator.sign_up(mistake))
        assert asyncio.run(authenticator.sign_up(form(name))).name == name
    with pytest.raises(RefusedError, match="Too many accounts"):
        asyncio.run(authenticator.sign_up(form("onemore")))


def test_what_is_refused_counts_too(make: Make) -> None:
    authenticator = make(signups_per_address=1)
    refused = [
        form("api"),
        form("root"),
        form("alice", "short"),
        form("admin"),
        SignUp("alice", GOOD, "something else", HERE),
    ]
    for attempt in refused:
        with pytest.raises(AccountError, match=r"name|password"):
            asyncio.run(authenticator.sign_up(attempt))
    with pytest.raises(RefusedError, match="Too many accounts"):
        asyncio.run(authenticator.sign_up(form("alice")))
    assert asyncio.run(authenticator.sign_up(form("alice", address=THERE))).name == "alice"


def test_asking_again_does_not_prolong_the_wait(sign_ups: SignUps) -> None:
    make(sign_ups, 12)
    for _ in range(100):
        with pytest.raises(RefusedError):
            sign_ups.attempt(HERE)
    assert sign_ups.wait(HERE) == 300


def test_a_clock_set_back_makes_nobody_wait_longer(sign_ups: SignUps, clock: Clock) -> None:
    make(sign_ups, 12)
    clock.now -= 36_000
    assert sign_ups.wait(HERE) == 300
    clock.now += 300
    make(sign_ups, 1)
