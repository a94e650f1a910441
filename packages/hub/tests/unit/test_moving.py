"""Records go from one database to another, all of them or none. That it is PostgreSQL is tested
where there is one, in `integration/`; what decides and compares is the same for two files.
"""

import os
import stat
from pathlib import Path

import pytest
from jupyterhub import orm
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from hub_config import DatabaseError, copying, database, moving, postgres, start
from hub_config.first_start import DATABASE_FILE, Places, address
from hub_config.login.accounts import AccountRow
from hub_config.settings import reading

URL = "postgresql+psycopg://hub@db.example.org/hub"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A hub's database with people, a group, a server's state and a table of the platform's own."""
    file = tmp_path / DATABASE_FILE
    with session(file) as db:
        for number, name in enumerate(("ada", "ben", "Đorđe")):
            user = orm.User(name=name)
            db.add_all([user, orm.Spawner(name="", user=user, state={"é": [number, None]})])
            db.add(AccountRow(key=name, info_id=number, user_id=number + 1, made=0.1, **ACCOUNT))
        db.add(orm.Group(name="team", users=[user]))
        db.commit()
    return file


ACCOUNT = {
    **dict.fromkeys(("must_change", "disabled", "wants_second_factor", "first_admin"), False),
    **dict.fromkeys(("address", "full_name"), ""),
}


def session(file: Path) -> Session:
    db: Session = orm.new_session_factory(address(file))()
    database.prepare(db)
    return db


def names(file: Path) -> list[str]:
    with session(file) as db:
        return sorted(db.scalars(select(orm.User.name)))


def test_everything_is_copied_and_compared(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "other"
    sums = copying.fill_file(source, target, "")
    assert {name: one.rows for name, one in sums.items() if one.rows} == {
        **{"users": 3, "spawners": 3, "groups": 1, "user_group_map": 1},
        **{"platform_accounts": 3, "platform_schema": 1},
    }
    assert names(target) == ["ada", "ben", "Đorđe"]
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert database.revision(target) == database.revision(source)


def test_every_table_of_a_hub_is_known(source: Path) -> None:
    with session(source) as db:
        made = set(db.scalars(text("SELECT name FROM sqlite_master WHERE type = 'table'")))
    known = {one.name for one in copying.tables()}
    assert made - {"alembic_version", "platform_moved", "sqlite_sequence"} <= known


def test_a_row_that_came_out_different_leaves_the_target_as_it_was(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "other"
    with session(target) as db:
        db.add(orm.User(name="old"))
        db.commit()
    monkeypatch.setattr(copying, "_sum", lambda *_: copying.Sum(7, 7))
    with pytest.raises(DatabaseError, match="came out different, with 7 rows of"):
        copying.fill_file(source, target, "")
    assert names(target) == ["old"]


def test_a_database_of_an_older_hub_is_copied_as_it_is_and_not_moved(
    source: Path, tmp_path: Path
) -> None:
    """A copy before its tables are brought up to date has to be what the older hub knows."""
    with session(source) as db:
        db.execute(text("ALTER TABLE platform_accounts RENAME COLUMN full_name TO of_before"))
        db.execute(text("UPDATE platform_schema SET revision = 0"))
        db.commit()
    with pytest.raises(DatabaseError, match="is of an older hub: start this one with it once"):
        moving.require_movable(source)
    target = tmp_path / "other"
    copying.fill_file(source, target, "")
    assert database._first(target, "SELECT count(of_before) FROM platform_accounts") == "3"
    assert database.own_revision(target) == 0


def test_of_two_databases_one_is_in_use(source: Path, tmp_path: Path) -> None:
    places = Places(tmp_path, tmp_path, tmp_path)
    start.require_in_use(places)
    with pytest.raises(DatabaseError, match=r"holds records: \./dev invoke db\.move --to postgres"):
        start.require_moved(Places(tmp_path, tmp_path, tmp_path, db_url=URL))
    moving._mark(source, "postgres")
    start.require_moved(Places(tmp_path, tmp_path, tmp_path, db_url=URL))
    with pytest.raises(DatabaseError, match=r"moved away from .*set JHUB_DB_URL again"):
        start.require_in_use(places)
    moving._mark(source, "")
    start.require_in_use(places)


def test_nothing_is_moved_without_an_address(source: Path, tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="JHUB_DB_URL is not set"):
        moving.move(Places(tmp_path, tmp_path, tmp_path), "postgres")


@pytest.mark.parametrize(
    "url",
    [
        *("postgresql://hub@db/hub", "sqlite:///x", "mysql://db/hub", "db.example.org"),
        *("postgresql+psycopg://hub:hush@db/hub", "postgresql+psycopg://hub@db/hub?password=hush"),
        "postgresql+psycopg://hub@db/hub?sslpassword=hush",
    ],
)
def test_an_address_is_of_postgres_and_has_no_password(url: str) -> None:
    with pytest.raises(ValueError, match="without a password") as caught:
        reading.read({"JHUB_DB_URL": url}, None)
    assert "hush" not in str(caught.value)


def test_the_password_is_in_a_file_of_the_hub_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSFILE", "")
    file = tmp_path / "password"
    postgres.use_password("a:b\\c", file)
    assert file.read_text() == "*:*:*:*:a\\:b\\\\c\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert os.environ["PGPASSFILE"] == str(file)
