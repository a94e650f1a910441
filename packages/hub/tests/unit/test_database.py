"""A database that a newer hub has brought up to date is refused, with what to do."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from jupyterhub import dbutil

from hub_config import DatabaseError
from hub_config.database import (
    DATABASE_FILE,
    STEPS,
    require_known_schema,
    require_sound,
    revision,
    revisions,
    steps_ahead,
)

NEWER = "ffffffffffff"
HEAD = ScriptDirectory(dbutil.ALEMBIC_DIR).get_current_head()
OLDER = "be8ecf03ddac"


def make(path: Path, schema: str | None) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32))")
        if schema:
            connection.execute("INSERT INTO alembic_version VALUES (?)", (schema,))
        connection.commit()


def test_all_revisions_of_jupyterhub_are_known() -> None:
    walked = ScriptDirectory(dbutil.ALEMBIC_DIR).walk_revisions()
    assert {one.revision for one in walked} == revisions()


@pytest.mark.parametrize("schema", [HEAD, OLDER, None])
def test_this_and_older_schemas_can_be_started_with(tmp_path: Path, schema: str | None) -> None:
    make(tmp_path / DATABASE_FILE, schema)
    require_known_schema(tmp_path / DATABASE_FILE)


def test_what_a_start_will_bring_up_to_date_is_told(tmp_path: Path) -> None:
    assert steps_ahead(tmp_path / DATABASE_FILE) == "", "there is no database yet"
    database = tmp_path / DATABASE_FILE
    make(database, OLDER)
    assert steps_ahead(tmp_path / DATABASE_FILE).startswith(
        "The database will be brought up to date: "
        f"JupyterHub's schema from revision {OLDER} to {HEAD} ("
    )
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", [HEAD])
        connection.commit()
        assert f"the platform's tables from revision 0 to {len(STEPS)}" in steps_ahead(
            tmp_path / DATABASE_FILE
        )
        connection.execute("CREATE TABLE platform_schema (revision INTEGER)")
        connection.execute("INSERT INTO platform_schema VALUES (?)", [len(STEPS)])
        connection.commit()
    assert steps_ahead(tmp_path / DATABASE_FILE) == ""


def test_a_volume_without_a_database_and_one_that_is_none_are_the_hubs_business(
    tmp_path: Path,
) -> None:
    require_known_schema(tmp_path / DATABASE_FILE)
    (tmp_path / DATABASE_FILE).write_bytes(b"no database" * 1000)
    require_known_schema(tmp_path / DATABASE_FILE)


@pytest.mark.parametrize("how", ["truncated", "of garbage", "garbage within"])
def test_a_damaged_database_is_named_with_what_to_do(tmp_path: Path, how: str) -> None:
    """Found by a drill: the hub started again and again, each time with a traceback."""
    database = tmp_path / DATABASE_FILE
    require_sound(tmp_path)
    make(database, HEAD)
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE users (name TEXT)")
        connection.executemany("INSERT INTO users VALUES (?)", [("x" * 500,)] * 100)
        connection.commit()
    require_sound(tmp_path)
    whole = database.read_bytes()
    half = len(whole) // 2
    spoilt = {
        "truncated": whole[:half],
        "of garbage": bytes(range(1, 256)) * 200,
        "garbage within": whole[:half] + b"?" * half,
    }[how]
    database.write_bytes(spoilt)
    with pytest.raises(DatabaseError, match=r"damaged \(.+\).*invoke restore --hub"):
        require_sound(tmp_path)
    assert database.read_bytes() == spoilt


def test_a_locked_database_is_not_damaged(tmp_path: Path) -> None:
    make(tmp_path / DATABASE_FILE, HEAD)
    with closing(sqlite3.connect(tmp_path / DATABASE_FILE)) as other:
        other.execute("BEGIN EXCLUSIVE")
        require_sound(tmp_path)


def test_a_newer_schema_is_named_and_nothing_changes(tmp_path: Path) -> None:
    make(tmp_path / DATABASE_FILE, NEWER)
    before = (tmp_path / DATABASE_FILE).read_bytes()
    with pytest.raises(DatabaseError, match=f"revision {NEWER}, which JupyterHub 6.* Nothing was"):
        require_known_schema(tmp_path / DATABASE_FILE)
    assert (tmp_path / DATABASE_FILE).read_bytes() == before
    assert list(tmp_path.iterdir()) == [tmp_path / DATABASE_FILE]


def test_the_newest_copy_that_can_be_gone_back_to_is_named(tmp_path: Path) -> None:
    make(tmp_path / DATABASE_FILE, NEWER)
    for day, schema in (("01", OLDER), ("02", HEAD), ("03", NEWER)):
        make(tmp_path / f"{DATABASE_FILE}.2026-11-{day}-120000", schema)
    with pytest.raises(DatabaseError) as caught:
        require_known_schema(tmp_path / DATABASE_FILE)
    copy = f"{tmp_path}/{DATABASE_FILE}.2026-11-02-120000"
    assert f"hub cp {copy} {tmp_path}/{DATABASE_FILE}" in str(caught.value)


def test_a_revision_is_read_while_the_hub_writes(tmp_path: Path) -> None:
    make(tmp_path / DATABASE_FILE, NEWER)
    with closing(sqlite3.connect(tmp_path / DATABASE_FILE)) as hub:
        hub.execute("BEGIN IMMEDIATE")
        hub.execute("UPDATE alembic_version SET version_num = 'x'")
        assert revision(tmp_path / DATABASE_FILE) == NEWER


def test_a_newer_revision_of_the_platforms_own_tables_is_refused_too(tmp_path: Path) -> None:
    database = tmp_path / DATABASE_FILE
    make(database, HEAD)
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE platform_schema (revision INTEGER)")
        connection.execute("INSERT INTO platform_schema VALUES (?)", [len(STEPS)])
        connection.commit()
        require_known_schema(tmp_path / DATABASE_FILE)
        connection.execute("UPDATE platform_schema SET revision = revision + 1")
        connection.commit()
    with pytest.raises(DatabaseError, match="of the platform's tables, which this image does not"):
        require_known_schema(tmp_path / DATABASE_FILE)


def test_the_guard_judges_no_database_and_holds_no_sqlalchemy() -> None:
    script = "import sys, hub_config.__main__; print('sqlalchemy' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", script], text=True).strip() == "False"
