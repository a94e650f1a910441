"""Whose home is which volume, over deletions and newcomers of the same name."""

from datetime import UTC, datetime, timedelta

import pytest
from jupyterhub import orm
from sqlalchemy.orm import Session

from hub_config.lifetimes import homes, more_time

NOW = datetime(2030, 1, 1, tzinfo=UTC)
KEEP = timedelta(days=30)


def user(db: Session, person: str) -> int:
    """The person's id; made at first use."""
    found = orm.User.find(db, person)
    if found is None:
        found = orm.User(name=person)
        db.add(found)
        db.commit()
    return int(found.id)


def home(db: Session, person: str) -> str:
    return homes.claim(db, user(db, person), person, "home-").volume


def test_a_person_keeps_their_home(db: Session) -> None:
    assert home(db, "ann") == home(db, "ann") == "home-ann"


def test_a_newcomer_of_the_same_name_gets_another_one(db: Session) -> None:
    home(db, "ann")
    homes.put_aside(db, user(db, "ann"), NOW)
    assert home(db, "ann") == "home-ann.2"
    homes.put_aside(db, user(db, "ann"), NOW)
    assert home(db, "ann") == "home-ann.3"
    assert [row.volume for row in homes.all_put_aside(db)] == ["home-ann", "home-ann.2"]


def test_handing_back_puts_the_present_home_aside(db: Session) -> None:
    home(db, "ann")
    homes.put_aside(db, user(db, "ann"), NOW)
    home(db, "ann")
    homes.hand_back(db, "home-ann", user(db, "ann"), "ann")
    assert home(db, "ann") == "home-ann"
    assert [row.volume for row in homes.all_put_aside(db)] == ["home-ann.2"]


def test_a_home_handed_to_somebody_else_stays_theirs(db: Session) -> None:
    home(db, "ann")
    homes.put_aside(db, user(db, "ann"), NOW)
    homes.hand_back(db, "home-ann", user(db, "bob"), "bob")
    assert home(db, "bob") == "home-ann"
    assert home(db, "ann") == "home-ann.2"
    homes.put_aside(db, user(db, "bob"), NOW)
    assert home(db, "bob") == "home-bob"


def test_only_what_is_put_aside_can_be_handed_back(db: Session) -> None:
    home(db, "ann")
    for volume in ("home-ann", "home-nobody"):
        with pytest.raises(homes.HomeError, match=volume):
            homes.hand_back(db, volume, user(db, "bob"), "bob")
    assert home(db, "ann") == "home-ann"


def test_homes_are_due_after_the_time_they_are_kept(db: Session) -> None:
    home(db, "ann")
    homes.put_aside(db, user(db, "ann"), NOW)
    assert homes.due(db, KEEP, NOW + KEEP - timedelta(seconds=1)) == []
    (due,) = homes.due(db, KEEP, NOW + KEEP)
    homes.forget(db, due)
    assert home(db, "ann") == "home-ann"


def test_a_wish_for_more_time_holds_for_one_run(db: Session) -> None:
    until = NOW + timedelta(hours=1)
    more_time.remember(db, "ann", "work", NOW, until)
    assert more_time.asked_until(db, "ann", "work", NOW) == until
    assert more_time.asked_until(db, "ann", "work", NOW + timedelta(minutes=1)) is None
    more_time.forget(db, "ann")
    assert more_time.asked_until(db, "ann", "work", NOW) is None
