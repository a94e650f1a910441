"""A database from before accounts had keys, brought up to date at a start of the hub.

`revision-0.sql` was made by the hub of that time: alice has a second factor, ten recovery codes and
thirty failed log-ins from 10.0.0.9; bob and erin wait, carol is disabled, dave has a one-time
password and wants a second factor, admin never changed the first password.
"""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pyotp
import pytest
from jupyterhub import orm
from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from hub_config import DatabaseError
from hub_config.database import STEPS, steps_done
from hub_config.login.accounts import State
from hub_config.login.authenticator import ApprovalAuthenticator
from hub_config.login.second_factor import recovery_codes_left, use_recovery_code
from hub_config.login.throttling import FailedLogins, Limits, Source

from .conftest import GOOD, Clock, Make

HERE = Source("10.0.0.1")
APP = pyotp.TOTP("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
RECOVERY_CODE = "a23u-7zqf-7gg4"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    file = tmp_path / "jupyterhub.sqlite"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript((Path(__file__).parent / "revision-0.sql").read_text())
    return file


def start(make: Make, database: Path) -> ApprovalAuthenticator:
    """As JupyterHub does it: the authenticator is made, then told of every user."""
    db = orm.new_session_factory(f"sqlite:///{database}")()
    hub = make(_deprecated_db_session=db)
    for user in db.query(orm.User):
        hub.add_user(user)
    return hub


def copies(database: Path) -> list[Path]:
    return list(database.parent.glob("jupyterhub.sqlite.*"))


def test_everybody_is_who_they_were(make: Make, database: Path, clock: Clock) -> None:
    hub = start(make, database)
    states = {account.name: account.state for account in hub.accounts.all()}
    assert states == {
        "admin": State.ACTIVE,
        "alice": State.ACTIVE,
        "bob": State.WAITING,
        "carol": State.DISABLED,
        "dave": State.ACTIVE,
        "erin": State.WAITING,
    }
    dave, admin = hub.accounts.get("dave"), hub.accounts.get("admin")
    assert (dave.must_change, dave.wants_second_factor, dave.made) == (True, True, 1_790_000_000)
    assert (admin.must_change, admin.first_admin) == (True, True)
    assert asyncio.run(hub.door.check_password("alice", GOOD, HERE)).name == "alice"
    alice = hub.accounts.get("alice").key
    assert hub.second_factors.owners() == {alice}
    assert recovery_codes_left(hub.db, alice) == 10
    assert use_recovery_code(hub.db, alice, RECOVERY_CODE)
    hub.second_factors._clock = clock
    assert hub.second_factors.check(alice, APP.at(int(clock.now)))


def test_nobodys_failures_are_forgiven(make: Make, database: Path, clock: Clock) -> None:
    hub = start(make, database)
    failed = FailedLogins(hub.db, Limits(3, 300), clock)
    assert failed.wait(hub.accounts.get("alice").key, Source("10.0.0.9")) == 300


def test_a_rename_takes_everything_along(make: Make, database: Path, clock: Clock) -> None:
    hub = start(make, database)
    key = hub.accounts.get("alice").key
    alice = orm.User.find(hub.db, "alice")
    alice.name = "alicia"
    hub.db.commit()
    # Also when the hub dies before it has taken note of it.
    for later in (hub, start(make, database)):
        later.second_factors._clock = clock
        clock.now += 60
        account = asyncio.run(later.door.check_password("alicia", GOOD, HERE))
        assert (account.name, account.key) == ("alicia", key)
        assert later.demands(account).code
        assert later.second_factors.check(key, APP.at(int(clock.now)))
        assert later.accounts.find("alice") is None


def test_a_copy_is_kept_and_one_is_enough(make: Make, database: Path) -> None:
    start(make, database)
    (copy,) = copies(database)
    with closing(sqlite3.connect(copy)) as connection:
        (name,) = connection.execute("SELECT name FROM platform_second_factors").fetchone()
    assert name == "alice"
    start(make, database)
    assert copies(database) == [copy]


def test_a_migration_that_is_cut_short_changes_nothing(
    make: Make, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(connection: Connection) -> None:
        connection.execute(text("DROP TABLE platform_recovery_codes"))
        raise KeyboardInterrupt

    with closing(sqlite3.connect(database)) as connection:
        before = list(connection.iterdump())
    monkeypatch.setattr("hub_config.database.STEPS", (*STEPS, cut))
    with pytest.raises(KeyboardInterrupt):
        start(make, database)
    with closing(sqlite3.connect(database)) as connection:
        own = {line for line in connection.iterdump() if "platform_" in line}
    assert own == {line for line in before if "platform_" in line}
    monkeypatch.undo()
    assert start(make, database).accounts.get("alice").state is State.ACTIVE


def test_a_migration_that_fails_at_every_start_leaves_one_copy(
    make: Make, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: Connection) -> None:
        raise OSError("no space left on device")

    mine = database.with_name("jupyterhub.sqlite.mine")
    mine.write_bytes(database.read_bytes())
    older = database.with_name("jupyterhub.sqlite.2026-01-01-000000")
    with closing(sqlite3.connect(older)) as connection:
        connection.executescript("CREATE TABLE alembic_version (version_num VARCHAR(32));")
        connection.execute("INSERT INTO alembic_version VALUES ('of an upgrade long ago')")
        connection.commit()
    monkeypatch.setattr("hub_config.database.STEPS", (*STEPS, fails))
    for _ in range(4):
        with pytest.raises(OSError, match="no space"):
            start(make, database)
    assert mine in copies(database), "an operator's own"
    assert older in copies(database), "of another upgrade"
    assert len(copies(database)) == 3


def test_a_newer_hubs_database_is_refused_with_a_sentence(make: Make, database: Path) -> None:
    start(make, database)
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("UPDATE platform_schema SET revision = revision + 1")
        connection.commit()
    with pytest.raises(DatabaseError, match="a newer hub has brought it up to date"):
        start(make, database)


def test_a_hub_from_before_revisions_ends_at_its_start(make: Make, database: Path) -> None:
    """With the words that `docs/operations.md` explains: it asks for the first admin by name."""
    start(make, database)
    asks = "SELECT platform_accounts.name FROM platform_accounts"
    opened = closing(sqlite3.connect(database))
    with opened as connection, pytest.raises(sqlite3.OperationalError) as caught:
        connection.execute(asks)
    page = Path(__file__).parents[5] / "docs" / "operations.md"
    assert f"`{caught.value}`" in page.read_text(encoding="utf-8")


def test_a_new_database_is_todays_and_has_no_copy(make: Make, tmp_path: Path) -> None:
    hub = start(make, tmp_path / "jupyterhub.sqlite")
    assert steps_done(hub.db.connection()) == len(STEPS)
    assert copies(tmp_path / "jupyterhub.sqlite") == []


def test_plain_nativeauthenticators_database_is_taken_over(make: Make, database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection:
        tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'platform%'"
        for (table,) in connection.execute(tables).fetchall():
            connection.execute(f"DROP TABLE {table}")
        connection.commit()
    hub = start(make, database)
    assert asyncio.run(hub.door.check_password("alice", GOOD, HERE)).key == "alice"
    assert hub.accounts.get("bob").state is State.WAITING


def test_an_account_whose_user_is_gone_is_not_the_next_users(
    make: Make, database: Path, db: Session
) -> None:
    """SQLite gives the number of the user who was deleted last to the next one."""
    hub = start(make, database)
    admin = orm.User.find(hub.db, "admin")
    number = admin.id
    hub.db.delete(admin)
    hub.db.commit()
    again = start(make, database)
    stranger = orm.User(name="stranger")
    again.db.add(stranger)
    again.db.commit()
    assert stranger.id == number
    assert again.accounts.find("stranger") is None
