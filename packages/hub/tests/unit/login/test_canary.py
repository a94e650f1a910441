"""Somebody made up for an upgrade: made, known for what it is, and gone. That the hub deletes one
who logged in is shown by integration/test_up_and_down.py and test_oidc.py.
"""

import json
from pathlib import Path

import pytest
from jupyterhub import orm, roles
from jupyterhub.auth import Authenticator
from sqlalchemy import text
from sqlalchemy.orm import Session
from tornado.web import decode_signed_value

from hub_config.first_start import Places, make_secrets, read_all
from hub_config.login import canary, providers
from hub_config.login.accounts import State
from hub_config.login.sessions import Demands
from hub_config.rotation import cookie_keys
from hub_config.settings import Settings

from .conftest import Make

NAME = "canary-0011aabb"


@pytest.fixture
def places(tmp_path: Path) -> Places:
    places = Places(data=tmp_path, proxy=tmp_path / "proxy", metrics=tmp_path / "metrics")
    places.proxy.mkdir()
    make_secrets(places)
    return places


@pytest.fixture
def file_db(places: Places) -> Session:
    session: Session = orm.new_session_factory(places.database)()
    return session


def said(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    found: dict[str, str] = json.loads(capsys.readouterr().out)
    return found


def test_it_may_log_in_and_nothing_of_it_stays(
    places: Places, file_db: Session, make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    hub = make(_deprecated_db_session=file_db)
    assert canary.command(Settings(), places, ["end", NAME]) == 0, "there is none yet"
    assert canary.command(Settings(), places, ["begin", NAME]) == 0
    told = said(capsys)
    account = hub.accounts.get(NAME)
    demands = hub.demands(account)
    assert (account.state, told["code"]) == (State.ACTIVE, "")
    assert demands == Demands(code=False, new_password=False, enrolment=False)
    assert canary.command(Settings(), places, ["end", NAME]) == 0
    file_db.expire_all()
    assert hub.accounts.find(NAME) is None


def test_where_everybody_needs_a_second_factor_it_has_one(
    places: Places, file_db: Session, make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    hub = make(_deprecated_db_session=file_db, second_factor="everyone")
    settings = Settings(second_factor="everyone")
    assert canary.command(settings, places, ["begin", NAME]) == 0
    account = hub.accounts.get(NAME)
    assert hub.demands(account).code
    assert hub.second_factors.check(account.key, said(capsys)["code"])
    assert canary.command(settings, places, ["end", NAME]) == 0
    left = file_db.execute(text("SELECT count(*) FROM platform_recovery_codes")).scalar()
    assert left == 0


@pytest.mark.parametrize("what", ["begin", "end"])
@pytest.mark.parametrize("known_as", ["account", "user"])
def test_a_person_is_never_taken_for_one(
    places: Places, file_db: Session, make: Make, what: str, known_as: str
) -> None:
    hub = make(_deprecated_db_session=file_db)
    if known_as == "user":
        file_db.add(orm.User(name=NAME))
        file_db.commit()
    else:
        hub.accounts.add(canary.Account(NAME, b"hash", canary.State.ACTIVE))
    assert canary.command(Settings(), places, [what, NAME]) == 2
    assert known_as == "user" or hub.accounts.find(NAME)


def test_where_accounts_are_another_services_a_cookie_stands_for_the_log_in(
    places: Places, file_db: Session, make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    make(_deprecated_db_session=file_db)  # the tables
    (role,) = [one for one in roles.get_default_roles() if one["name"] == "user"]
    roles.create_role(file_db, role)
    settings = Settings(authenticator="ldap")
    assert canary.command(settings, places, ["begin", NAME]) == 0
    told, user = said(capsys), orm.User.find(file_db, NAME)
    keys = cookie_keys(read_all(places.cookie_secret))["cookie_secret"]
    opened = decode_signed_value(keys, told["cookie"], told["value"])
    assert (told["cookie"], opened) == ("jupyterhub-hub-login", user.cookie_id.encode())
    assert [one.name for one in user.roles] == ["user"]
    assert canary.is_known(user)
    service = providers._with_hooks(Authenticator)(_deprecated_db_session=file_db)
    assert not service.check_blocked_users(NAME, {}), "whoever is called so would be the canary"
    assert service.check_blocked_users("ann", {})
    assert not canary.is_somebody(file_db, NAME)
    assert canary.command(Settings(), places, ["end", NAME]) == 1, "no hub runs to delete it"
    user.cookie_id = orm.new_token()
    file_db.commit()
    assert canary.command(settings, places, ["begin", NAME]) == 2, "a person"
