"""Somebody made up for an upgrade: made, known for what it is, and gone. That the hub deletes one
who logged in is shown by integration/test_up_and_down.py.
"""

import json
from pathlib import Path

import pytest
from jupyterhub import orm
from sqlalchemy import text
from sqlalchemy.orm import Session

from hub_config import SettingsError
from hub_config.first_start import Places, make_secrets
from hub_config.login import canary
from hub_config.login.accounts import State
from hub_config.login.sessions import Demands
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
        hub.accounts.add(canary.NewAccount(NAME, b"hash", approved=True))
    assert canary.command(Settings(), places, [what, NAME]) == 2
    assert known_as == "user" or hub.accounts.find(NAME)


def test_where_accounts_are_another_services_there_is_none(places: Places) -> None:
    with pytest.raises(SettingsError, match="JHUB_AUTHENTICATOR is"):
        canary.command(Settings(authenticator="ldap"), places, ["begin", NAME])
