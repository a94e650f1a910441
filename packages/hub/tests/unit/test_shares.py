"""Who may let others into their servers, and what the page does with JupyterHub's shares."""

from types import SimpleNamespace
from typing import Any

import pytest
from jupyterhub import orm
from sqlalchemy import select
from sqlalchemy.orm import Session

from hub_config.shares import SharingHandler, roles, shown


def test_nobody_groups_or_everybody_may_share() -> None:
    assert roles([]) == []
    (role,) = roles(["staff", "authors"])
    assert (role["scopes"], role["groups"]) == (["shares!user"], ["authors", "staff"])
    assert roles(["*", "staff"]) == [{"name": "user", "scopes": ["self", "shares!user"]}]


@pytest.fixture
def people(db: Session) -> dict[str, orm.User]:
    made = {name: orm.User(name=name) for name in ("ann", "bob", "eve")}
    db.add_all([*made.values(), orm.Group(name="team")])
    db.add(orm.Spawner(name="", user=made["ann"]))
    db.commit()
    return made


def asks(db: Session, who: orm.User, **fields: str) -> Any:
    """The handler, as Tornado would hand a form to it."""
    handler = SimpleNamespace(
        db=db,
        current_user=who,
        get_body_argument=lambda name, default="": fields.get(name, default),
    )
    handler.own = SharingHandler.own.fget(handler)  # type: ignore[attr-defined]
    return handler


def test_one_shares_ones_own_servers_with_somebody_who_is_there(
    db: Session, people: dict[str, orm.User]
) -> None:
    SharingHandler.make(asks(db, people["ann"], server=""), "bob")
    SharingHandler.make(asks(db, people["ann"], server="", kind="group"), "team")
    found = list(db.scalars(select(orm.Share)))
    assert [(one.owner.name, one.user and one.user.name) for one in found] == [
        ("ann", "bob"),
        ("ann", None),
    ]
    assert found[0].scopes == ["access:servers!server=ann/"]
    for name in ("ann", "nobody"):
        with pytest.raises(ValueError, match="nobody else called"):
            SharingHandler.make(asks(db, people["ann"], server=""), name)
    with pytest.raises(ValueError, match="no such server"):
        SharingHandler.make(asks(db, people["bob"], server=""), "ann")


def test_owner_and_guest_end_a_share_and_nobody_else(
    db: Session, people: dict[str, orm.User]
) -> None:
    for who in ("ann", "bob"):
        SharingHandler.make(asks(db, people["ann"], server=""), "bob")
        (share,) = db.scalars(select(orm.Share))
        for number in (str(share.id), "x", "99", "9" * 30):
            with pytest.raises(ValueError, match="no such share"):
                SharingHandler.revoke(asks(db, people["eve"]), number)
        SharingHandler.revoke(asks(db, people[who]), str(share.id))
        assert list(db.scalars(select(orm.Share))) == []


def test_who_has_shares_finds_the_page_where_nobody_may_share_any_more(
    db: Session, people: dict[str, orm.User]
) -> None:
    made = {
        name: SimpleNamespace(id=one.id, db=db, groups=one.groups) for name, one in people.items()
    }
    app = orm.Spawner(name="published-app", user=people["ann"])
    db.add(app)
    orm.Share.grant(db, app, people["eve"])
    SharingHandler.make(asks(db, people["ann"], server=""), "bob")
    off, on = shown(frozenset()), shown(frozenset({"team"}))
    assert [off(made[name]) for name in ("ann", "bob", "eve")] == [True, True, False]
    assert on(made["eve"])
    assert not off(None)
