"""What an upgrade keeps, puts back and says; the running of it is in integration/operations."""

import io
import json
import shutil
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest

from jhub_docker.doctor.findings import WARNING, Examined, Finding
from jhub_docker.platform import before_files, upgrading

ABOUT = {"time": "2026-11-30T05:00:00+00:00", "images": {}, "env": ""}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    data = tmp_path / "data"
    data.mkdir()
    with closing(sqlite3.connect(data / "jupyterhub.sqlite")) as made:
        made.executescript(
            "CREATE TABLE users (id INTEGER, name TEXT, admin INTEGER);"
            "CREATE TABLE users_info (username TEXT, password BLOB);"
            "INSERT INTO users VALUES (1, 'ada', 0), (2, 'bob', 0), (3, 'eve', 0);"
            "INSERT INTO users_info VALUES ('ada', 'a'), ('bob', 'b'), ('eve', 'e');"
        )
    (data / "config.toml").write_text("idle_timeout = 1\n")
    return data


@pytest.fixture
def before(tmp_path: Path) -> Path:
    before = tmp_path / "before"
    before.mkdir()
    return before


def keep(data: Path, before: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(ABOUT)))
    before_files.keep(data, before)


def change(data: Path) -> None:
    with closing(sqlite3.connect(data / "jupyterhub.sqlite")) as made:
        made.executescript(
            "DELETE FROM users WHERE name = 'eve'; DELETE FROM users_info WHERE username = 'eve';"
            "INSERT INTO users VALUES (4, 'late', 1);"
            "UPDATE users_info SET password = 'new' WHERE username = 'bob';"
        )
    (data / "config.toml").write_text("idle_timeout = 2\n")


def names(database: Path) -> list[str]:
    return [name for (name,) in before_files.rows(database, "SELECT name FROM users")]


def test_what_is_lost_is_listed_and_everything_comes_back(
    data: Path, before: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(data, before, monkeypatch)
    assert upgrading.losses(before_files.lost(data, before)) == "No account was changed since."
    change(data)
    assert upgrading.losses(before_files.lost(data, before)).splitlines() == [
        "This is lost:",
        "  accounts made since (their homes stay, on the page Homes): late",
        "  accounts deleted since come back: eve",
        "  passwords changed since are the old ones: bob",
        "  changed since: admins, config.toml",
    ]
    (data / "jupyterhub.sqlite-journal").write_bytes(b"of the newer database")
    before_files.back(data, before)
    assert names(data / "jupyterhub.sqlite") == ["ada", "bob", "eve"]
    assert (data / "config.toml").read_text() == "idle_timeout = 1\n"
    assert not (data / "jupyterhub.sqlite-journal").exists()
    assert names(before / "newer.jupyterhub.sqlite") == ["ada", "bob", "late"]
    assert (before / "newer.config.toml").read_text() == "idle_timeout = 2\n"


@pytest.mark.parametrize("moment", range(1, 11))
def test_one_that_is_killed_is_done_again(
    data: Path, before: Path, monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    """Killed at any of its steps: the older database comes back whole, the newer one is kept."""
    keep(data, before, monkeypatch)
    change(data)
    steps = 0

    def killed_at(step: Callable[..., object]) -> Callable[..., object]:
        def counted(*arguments: object, **options: object) -> object:
            nonlocal steps
            steps += 1
            if steps == moment:
                raise KeyboardInterrupt
            return step(*arguments, **options)

        return counted

    with monkeypatch.context() as patched, suppress(KeyboardInterrupt):
        for owner, name in ((shutil, "copy2"), (Path, "rename"), (Path, "unlink")):
            patched.setattr(owner, name, killed_at(getattr(owner, name)))
        before_files.back(data, before)
    assert steps == moment, "it has fewer steps than this test kills it at"
    before_files.back(data, before)
    assert names(data / "jupyterhub.sqlite") == ["ada", "bob", "eve"]
    assert names(before / "newer.jupyterhub.sqlite") == ["ada", "bob", "late"]
    assert (data / "config.toml").read_text() == "idle_timeout = 1\n"


def test_without_room_nothing_is_kept_and_the_older_way_back_stays(
    data: Path, before: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(data, before, monkeypatch)
    change(data)
    monkeypatch.setattr(before_files, "SPARE", 10**18)
    with pytest.raises(before_files.FilesError, match=r"MB are free: make room there"):
        keep(data, before, monkeypatch)
    assert names(before / "kept" / "jupyterhub.sqlite") == ["ada", "bob", "eve"]


def test_a_damaged_database_is_a_sentence(
    data: Path, before: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (data / "jupyterhub.sqlite").write_bytes(b"no database" * 1000)
    with pytest.raises(before_files.FilesError, match="cannot be copied: file is not a database"):
        keep(data, before, monkeypatch)


def test_the_doctor_stops_an_upgrade_for_what_it_cannot_cure() -> None:
    examined = Examined(
        (
            Finding("JD011", "hub has ended"),
            Finding("JD030", "malformed"),
            Finding("JD005", "2 GB left", WARNING),
        ),
        {},
    )
    wrong, worries = examined.before_an_upgrade()
    assert [one.partition(" ")[0] for one in wrong] == ["JD030"]
    assert [one.partition(" ")[0] for one in worries] == ["JD011", "JD005"]
