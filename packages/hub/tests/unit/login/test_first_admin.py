"""The first admin, and that nobody gets an admin's name in whatever order things happen."""

import asyncio
import json
from pathlib import Path

import pytest
from jupyterhub import orm
from sqlalchemy import text
from sqlalchemy.orm import Session

from hub_config import DatabaseError
from hub_config.first_start import Places, make_secrets, read_secret
from hub_config.login.accounts import AccountError
from hub_config.login.authenticator import ApprovalAuthenticator
from hub_config.login.newcomers import read_factors, reset_admin
from hub_config.login.throttling import Source
from hub_config.settings import Settings
from hub_config.told import Refusal

from .conftest import GOOD, Make, form


def sign_up(authenticator: ApprovalAuthenticator, name: str) -> None:
    asyncio.run(authenticator.sign_up(form(name)))


def start(authenticator: ApprovalAuthenticator, db: Session) -> None:
    """What JupyterHub does with `admin_users` after the authenticator was made (app.py)."""
    for name in authenticator.admin_users:
        user = orm.User.find(db, name)
        if user is None:
            db.add(orm.User(name=name, admin=True))
        else:
            user.admin = True
    db.commit()


def test_the_one_time_password_works_until_it_is_changed(
    authenticator: ApprovalAuthenticator,
) -> None:
    path = Path(authenticator.one_time_password_file)
    password = read_secret(path)
    assert path.stat().st_mode & 0o777 == 0o600
    here = Source("10.0.0.1")
    account = asyncio.run(authenticator.door.check_password("admin", password, here))
    assert authenticator.demands(account).new_password
    user = type("User", (), {"name": "admin"})
    assert not asyncio.run(authenticator.refresh_user(user))
    with pytest.raises(Refusal, match="one-time password"):
        asyncio.run(authenticator.pre_spawn_start(user, None))
    with pytest.raises(AccountError, match="your own"):
        asyncio.run(authenticator.passwords.set("admin", password))
    asyncio.run(authenticator.passwords.set("admin", GOOD))
    assert not path.exists()
    assert not authenticator.demands(authenticator.accounts.get("admin")).new_password
    assert asyncio.run(authenticator.refresh_user(user))
    with pytest.raises(AccountError):
        asyncio.run(authenticator.door.check_password("admin", password, here))


def test_a_start_that_was_cut_short_is_made_good(make: Make, db: Session) -> None:
    make()  # the hub died before JupyterHub made its user
    again = make()
    assert again.admin_users == {"admin"}
    assert again.accounts.get("admin").must_change


@pytest.mark.parametrize("name", ["admin", "adm1n", "ad-min", "ADMIN", "second", "sec0nd"])
def test_admins_of_the_settings_cannot_sign_up(make: Make, name: str) -> None:
    with pytest.raises(AccountError):
        sign_up(make(admin_users={"admin", "second"}), name)


def test_a_first_admin_with_another_name_cannot_be_claimed(make: Make) -> None:
    with pytest.raises(AccountError, match="already in use"):
        sign_up(make(admin_user="boss", admin_users={"boss"}), "boss")


def test_admins_made_on_the_admin_page_cannot_be_claimed(
    authenticator: ApprovalAuthenticator, db: Session
) -> None:
    db.add(orm.User(name="carol", admin=True))
    db.commit()
    for name in ("carol", "car0l"):
        with pytest.raises(AccountError):
            sign_up(authenticator, name)


def test_a_deleted_account_of_an_admin_cannot_be_signed_up_for(
    authenticator: ApprovalAuthenticator, db: Session
) -> None:
    start(authenticator, db)
    authenticator.accounts.remove("admin")
    with pytest.raises(AccountError, match="already in use"):
        sign_up(authenticator, "admin")


def test_naming_a_signed_up_person_as_admin_makes_nobody_an_admin(make: Make, db: Session) -> None:
    sign_up(make(signup="open"), "mallory")
    later = make(admin_user="mallory", admin_users={"mallory"})
    assert later.admin_users == set()
    start(later, db)
    assert orm.User.find(db, "mallory") is None
    assert not later.is_an_admin("mallory")


def test_who_waits_under_a_name_that_became_an_admins_is_not_approved(
    authenticator: ApprovalAuthenticator, db: Session
) -> None:
    sign_up(authenticator, "carol")
    db.add(orm.User(name="carol", admin=True))
    db.commit()
    with pytest.raises(AccountError, match="administrator's name"):
        authenticator.approve("carol")


def test_an_admin_of_ours_may_be_named_in_the_settings_later(make: Make, db: Session) -> None:
    authenticator = make()
    sign_up(authenticator, "carol")
    authenticator.approve("carol")
    db.add(orm.User(name="carol", admin=True))
    db.commit()
    assert make(admin_user="carol", admin_users={"carol"}).admin_users == {"carol"}


def test_an_operator_gets_a_lost_admin_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], make: Make
) -> None:
    places = Places(data=tmp_path, proxy=tmp_path / "proxy", metrics=tmp_path)
    places.proxy.mkdir()
    make_secrets(places)
    assert reset_admin(Settings(), places) == 4, "there is no database yet"
    file_db = orm.new_session_factory(places.database)()
    hub = make(_deprecated_db_session=file_db, one_time_password_file=str(places.admin_password))
    asyncio.run(hub.passwords.set("admin", GOOD))
    hub.second_factors.store(hub.accounts.get("admin").key, "A" * 32, confirmed=True)
    hub.accounts.set_disabled("admin", True)
    capsys.readouterr()

    assert read_factors(Settings(), places) == 0
    assert json.loads(capsys.readouterr().out) == {"people": 0, "factors": 1, "opened": 1}
    assert reset_admin(Settings(), places) == 0
    password = capsys.readouterr().out.strip()
    assert read_secret(places.admin_password) == password
    here = Source("10.0.0.1")
    account = asyncio.run(hub.door.check_password("admin", password, here))
    demands = hub.demands(account)
    assert (demands.code, demands.new_password) == (False, True)

    file_db.execute(text("UPDATE platform_schema SET revision = revision + 1"))
    file_db.commit()
    with pytest.raises(DatabaseError, match="a newer hub has brought it up to date"):
        reset_admin(Settings(), places)
    assert read_secret(places.admin_password) == password, "nothing was changed"
