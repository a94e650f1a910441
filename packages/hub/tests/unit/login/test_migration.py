"""NativeAuthenticator's database is taken over, an older hub's is brought up to date at a start.

In `nativeauthenticator.sql` bob and erin wait, and the others may log in.
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
from hub_config.login.throttling import Source

from .conftest import GOOD, Make

HERE = Source("10.0.0.1")
APP = pyotp.TOTP("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
RECOVERY_CODE = "a23u-7zqf-7gg4"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    file = tmp_path / "jupyterhub.sqlite"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript((Path(__file__).parent / "nativeauthenticator.sql").read_text())
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


def test_a_copy_is_kept_and_one_is_enough(
    make: Make, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def renames(connection: Connection) -> None:
        connection.execute(text("ALTER TABLE platform_moved RENAME COLUMN at TO since"))

    start(make, database)
    monkeypatch.setattr("hub_config.database.STEPS", (*STEPS, renames))
    start(make, database)
    (copy,) = copies(database)
    for file, revision in ((copy, len(STEPS)), (database, len(STEPS) + 1)):
        with closing(sqlite3.connect(file)) as connection:
            assert (
                connection.execute("SELECT revision FROM platform_schema").fetchone()[0] == revision
            )
            columns = connection.execute("SELECT name FROM pragma_table_info('platform_moved')")
            assert ({("since",)} <= {*columns}) is (file == database)
    start(make, database)
    assert copies(database) == [copy]


def test_a_migration_that_is_cut_short_changes_nothing(
    make: Make, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(connection: Connection) -> None:
        connection.execute(text("DROP TABLE platform_recovery_codes"))
        raise KeyboardInterrupt

    start(make, database)
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

    start(make, database)
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


def test_a_new_database_is_todays_and_has_no_copy(make: Make, tmp_path: Path) -> None:
    hub = start(make, tmp_path / "jupyterhub.sqlite")
    assert steps_done(hub.db.connection()) == len(STEPS)
    assert copies(tmp_path / "jupyterhub.sqlite") == []


def test_plain_nativeauthenticators_database_is_taken_over(make: Make, database: Path) -> None:
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
