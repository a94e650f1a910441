"""Another name for somebody, and a change of rights that names them."""

import asyncio
import json
import logging
from types import SimpleNamespace

import pytest
from jupyterhub import orm, roles, scopes
from jupyterhub.user import User
from sqlalchemy.orm import Session
from tornado import web

from hub_config.login.accounts import AccountError, State
from hub_config.login.authenticator import ApprovalAuthenticator
from hub_config.login.providers import UserHandler

from .conftest import GOOD
from .test_accounts import HERE, enter, refusal, sign_up


def test_a_rename_takes_the_account_along_and_frees_the_name(
    authenticator: ApprovalAuthenticator, db: Session
) -> None:
    sign_up(authenticator, "alice")
    authenticator.approve("alice")
    alice = orm.User(name="alice")
    db.add(alice)
    db.commit()
    authenticator.add_user(alice)
    authenticator.require_renamable(alice, "alicia")
    alice.name = "alicia"
    db.commit()
    assert enter(authenticator, "alicia").name == "alicia"
    assert refusal(authenticator, "alice", GOOD).startswith("403")
    authenticator.accounts.belongs_to(alice)
    assert sign_up(authenticator, "alice").state is State.WAITING
    assert enter(authenticator, "alicia").name == "alicia"


def test_a_second_factor_and_failures_follow_a_rename(
    authenticator: ApprovalAuthenticator, db: Session
) -> None:
    key = sign_up(authenticator, "alice").key
    authenticator.approve("alice")
    authenticator.second_factors.store(key, "A" * 32, confirmed=True)
    for _ in range(6):
        authenticator.door.failed_logins.failed(key, HERE)
    alice = orm.User(name="alice")
    db.add(alice)
    db.commit()
    authenticator.add_user(alice)
    alice.name = "alicia"
    db.commit()
    assert authenticator.demands(authenticator.accounts.get("alicia")).code
    assert refusal(authenticator, "alicia", GOOD).startswith("429")
    assert refusal(authenticator, "alice", GOOD).startswith("403"), "nobody's failures"


@pytest.mark.parametrize(
    ("name", "new", "reason"),
    [
        ("admin", "boss", "JHUB_ADMIN_USER"),
        ("alice", "admin", "already in use"),
        ("alice", "bob", "already in use"),
        ("alice", "root", "reserved"),
        ("alice", "al/ice", "not allowed"),
    ],
)
def test_a_rename_that_makes_trouble_is_refused(
    authenticator: ApprovalAuthenticator, name: str, new: str, reason: str
) -> None:
    sign_up(authenticator, "bob")
    with pytest.raises(AccountError, match=reason):
        authenticator.require_renamable(SimpleNamespace(name=name), new)


def test_nobody_is_renamed_while_a_server_runs() -> None:
    running = SimpleNamespace(name="alice", active=True)
    with pytest.raises(web.HTTPError, match="alice has a server running; stop it"):
        UserHandler.require_renamable(SimpleNamespace(), running, "alicia")


def test_other_rights_with_the_same_name_leave_the_name(db: Session) -> None:
    """What JupyterHub's admin page sends for a tick at Admin."""
    for role in roles.get_default_roles():
        roles.create_role(db, role)
    alice = User(orm.User(name="alice"), db=db)
    db.add(alice.orm_user)
    db.commit()
    sent = {"name": "alice", "admin": True}

    class Request(UserHandler):
        db, log = alice.db, logging.getLogger()
        authenticator = SimpleNamespace(normalize_username=str)
        request = SimpleNamespace(body=json.dumps(sent).encode(), path="/hub/api/users/alice")
        current_user = SimpleNamespace(name="admin", admin=True)
        find_user = write = lambda _self, _about: alice

        def __init__(self) -> None:
            self.expanded_scopes = self.parsed_scopes = {"admin:users": scopes.Scope.ALL}

        def user_model(self, _user: User) -> dict[str, str]:
            return {}

    asyncio.run(Request().patch("alice"))
    assert (alice.name, alice.admin) == ("alice", True)
