"""Whose home is which volume, over deletions and newcomers of the same name."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from jupyterhub import orm
from sqlalchemy.orm import Session

from hub_config import moments
from hub_config.lifetimes import homes, times
from hub_config.lifetimes.homes import HomeRow
from hub_config.runtime.interface import Volume

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


def hand_back(db: Session, volume: str, person: str) -> None:
    user(db, person)
    row = HomeRow.find_put_aside(db, volume)
    assert row is not None
    row.hand_to(db, orm.User.find(db, person))


def assign(db: Session, volume: str, named: str, person: str) -> None:
    user(db, person)
    HomeRow.assign(db, Volume(volume, named, token="word"), orm.User.find(db, person))


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
    assert [row.volume for row in HomeRow.aside(db)] == ["home-ann", "home-ann.2"]


def test_handing_back_puts_the_present_home_aside(db: Session) -> None:
    home(db, "ann")
    homes.put_aside(db, user(db, "ann"), NOW)
    home(db, "ann")
    hand_back(db, "home-ann", "ann")
    assert home(db, "ann") == "home-ann"
    assert [row.volume for row in HomeRow.aside(db)] == ["home-ann.2"]


def test_a_home_handed_to_somebody_else_stays_theirs(db: Session) -> None:
    home(db, "ann")
    homes.put_aside(db, user(db, "ann"), NOW)
    hand_back(db, "home-ann", "bob")
    assert home(db, "bob") == "home-ann"
    assert home(db, "ann") == "home-ann.2"
    homes.put_aside(db, user(db, "bob"), NOW)
    assert home(db, "bob") == "home-bob"


def test_only_what_is_put_aside_can_be_handed_back(db: Session) -> None:
    home(db, "ann")
    for volume in ("home-ann", "home-nobody"):
        assert HomeRow.find_put_aside(db, volume) is None
    assert home(db, "ann") == "home-ann"


def test_homes_are_due_after_the_time_they_are_kept(db: Session) -> None:
    home(db, "ann")
    homes.put_aside(db, user(db, "ann"), NOW)
    assert HomeRow.due(db, KEEP, NOW + KEEP - timedelta(seconds=1)) == []
    (due,) = HomeRow.due(db, KEEP, NOW + KEEP)
    db.delete(due)
    db.commit()
    assert home(db, "ann") == "home-ann"


def asked(db: Session, user: str, server: str, started: datetime) -> datetime | None:
    """Until when a server is left alone that began then, as the service of lifetimes sees it."""
    record = SimpleNamespace(started=moments.utc(started), last_activity=None)
    spawner = SimpleNamespace(ready=True, orm_spawner=record)
    (found,) = times.running(db, [SimpleNamespace(name=user, spawners={server: spawner})])
    return found.asked_until


def test_a_wish_for_more_time_holds_for_one_run(db: Session) -> None:
    until = NOW + timedelta(hours=1)
    times.remember(db, "ann", "work", NOW, until)
    assert asked(db, "ann", "work", NOW) == until
    assert asked(db, "ann", "work", NOW + timedelta(minutes=1)) is None
    times.forget(db, "ann")
    assert asked(db, "ann", "work", NOW) is None


def test_a_new_database_adopts_nothing_by_name(db: Session) -> None:
    user(db, "ann")
    mine = homes.claim(db, user(db, "ann"), "ann", "home-")
    assert not homes.is_theirs(mine, Volume("home-ann", "ann"))
    assert mine.another(db, "home-").volume == "home-ann.2"
    assert home(db, "ann") == "home-ann.2"


def test_a_home_follows_its_person_through_a_rename(db: Session) -> None:
    volume = home(db, "ann")
    person = orm.User.find(db, "ann")
    person.name = "anna"
    db.commit()
    assert homes.claim(db, person.id, "anna", "home-").volume == volume
    assert home(db, "ann") == "home-ann.2", "a newcomer of the old name"


def test_a_newcomer_with_the_id_of_somebody_who_was_deleted_has_no_home_yet(db: Session) -> None:
    """However the deletion went: SQLite gives the highest id again."""
    left = user(db, "ann")
    home(db, "ann")
    db.delete(orm.User.find(db, "ann"))
    db.commit()
    assert user(db, "bob") == left
    assert home(db, "bob") == "home-bob"
    assert [row.volume for row in HomeRow.aside(db)] == ["home-ann"]


def test_a_home_that_the_database_did_not_know_can_be_given_to_somebody(db: Session) -> None:
    home(db, "ann")
    assign(db, "home-old", "old", "ann")
    assert home(db, "ann") == "home-old"
    assert [row.volume for row in HomeRow.aside(db)] == ["home-ann"]
    with pytest.raises(homes.HomeError, match="known already"):
        assign(db, "home-ann", "ann", "bob")


def test_a_home_that_was_given_to_somebody_keeps_its_name_for_itself(db: Session) -> None:
    assign(db, "home-ann.2", "ann", "bob")
    assert home(db, "ann") == "home-ann.3"
    assert home(db, "bob") == "home-ann.2"
