"""What ends with somebody's sessions, and what running servers need and keep."""

import asyncio
from types import SimpleNamespace

from jupyterhub import orm, roles
from sqlalchemy import select
from sqlalchemy.orm import Session

from hub_config.login import sessions
from hub_config.login.authenticator import ApprovalAuthenticator
from hub_config.spawning import servers

from .conftest import Make, form


def person(db: Session) -> orm.User:
    for role in roles.get_default_roles():
        roles.create_role(db, role)
    user = orm.User(name="alice")
    db.add(user)
    db.add(orm.OAuthClient(identifier="jupyterhub"))
    db.commit()
    return user


def notes(db: Session) -> list[str]:
    return sorted(token.note for token in db.scalars(select(orm.APIToken)))


def test_everything_ends_but_the_tokens_of_servers(db: Session) -> None:
    user = person(db)
    server = user.new_api_token(note="Server at /user/alice/")
    # Anybody can call a token so; it is the spawner's note that counts.
    user.new_api_token(note="Server at /user/alice/thief")
    user.new_api_token(note="a script")
    user.new_api_token(note="a browser", session_id="one")
    number = servers.token_number(db, server)
    db.add(orm.Spawner(name="", user=user, state={servers.TOKEN_KEY: number}))
    db.add(orm.Spawner(name="never-started", user=user))
    db.commit()
    before = user.cookie_id

    sessions.revoke(db, user)
    assert user.cookie_id != before
    assert notes(db) == ["Server at /user/alice/"]
    assert orm.APIToken.find(db, server) is not None


def test_a_running_server_goes_on_reporting_after_a_reset(
    authenticator: ApprovalAuthenticator, db: Session
) -> None:
    """Not with any other token, and not once the account is disabled."""
    asyncio.run(authenticator.sign_up(form("alice")))
    user = person(db)
    authenticator.accounts.approve("alice")
    authenticator.add_user(user)
    server, script = user.new_api_token(note="Server at /user/alice/"), user.new_api_token()
    number = servers.token_number(db, server)
    db.add(orm.Spawner(name="", user=user, state={servers.TOKEN_KEY: number}))
    db.commit()

    def may(token: str) -> bool:
        handler = SimpleNamespace(get_token=lambda: orm.APIToken.find(db, token))
        wrapped = SimpleNamespace(name=user.name, orm_user=user, spawners={})
        return asyncio.run(authenticator.refresh_user(wrapped, handler))

    assert (may(server), may(script)) == (True, True)
    asyncio.run(authenticator.passwords.reset("alice"))
    assert (may(server), may(script)) == (True, False)
    authenticator.accounts.set_disabled("alice", True)
    assert (may(server), may(script)) == (False, False)


def test_who_lacks_a_factor_that_is_required_by_now_has_no_session_after_the_start(
    make: Make, db: Session
) -> None:
    first = make()
    for name in ("alice", "bob"):
        asyncio.run(first.sign_up(form(name)))
        first.approve(name)
    user, other = person(db), orm.User(name="bob")
    db.add(other)
    db.commit()
    for one in (user, other):
        first.add_user(one)
        one.new_api_token(note=f"a script of {one.name}")
    user.admin = True
    server = user.new_api_token(note="Server at /user/alice/")
    number = servers.token_number(db, server)
    db.add(orm.Spawner(name="", user=user, state={servers.TOKEN_KEY: number}))
    db.commit()
    cookies = user.cookie_id, other.cookie_id
    later = make(second_factor="admins")
    for one in (user, other):
        later.add_user(one)
    assert notes(db) == ["Server at /user/alice/", "a script of bob"]
    assert user.cookie_id != cookies[0]
    assert other.cookie_id == cookies[1]


def test_whoever_changes_a_password_keeps_this_browser_and_own_tokens(db: Session) -> None:
    user = person(db)
    user.new_api_token(note="a script")
    user.new_api_token(note="this browser", session_id="one")
    user.new_api_token(note="another browser", session_id="two")
    sessions.revoke(db, user, keep_session="one")
    assert notes(db) == ["a script", "this browser"]


def test_other_peoples_sessions_stay(db: Session) -> None:
    user, other = person(db), orm.User(name="bob")
    db.add(other)
    db.commit()
    other.new_api_token(note="bob's")
    cookie = other.cookie_id
    sessions.revoke(db, user)
    assert notes(db) == ["bob's"]
    assert other.cookie_id == cookie
