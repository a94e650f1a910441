"""What there is on a disk that is full: a hub that starts, lets people in, and says so."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jupyterhub import orm
from jupyterhub.apihandlers.base import APIHandler
from jupyterhub.handlers.base import BaseHandler
from jupyterhub.handlers.pages import HealthCheckHandler
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from tornado.web import HTTPError

from hub_config import DatabaseError, database, disk, languages, reserve, told
from hub_config.__main__ import copies
from hub_config.database import DATABASE_FILE
from hub_config.first_start import Places

GIB = 2**30

WRITE = """
import resource, sys
from pathlib import Path
from jupyterhub import orm
from hub_config import database, reserve
file = Path(sys.argv[1])
db = orm.new_session_factory(f"sqlite:///{file}")()
database.prepare(db)
if sys.argv[2] == "with":
    assert reserve.keep(db)
# As on a disk without a byte left: no file gets longer than the longest is.
size = file.stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
for number in range(50):
    db.add(orm.User(name=f"person-{number}", user_info={"filler": "x" * 5000}))
    db.commit()
assert file.stat().st_size == size
"""


def written(folder: Path, reserve_: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", WRITE, str(folder / DATABASE_FILE), reserve_]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_database_is_written_to_though_no_file_can_grow(tmp_path: Path) -> None:
    ended = written(tmp_path, "with")
    assert ended.returncode == 0, ended.stderr
    assert reserve._journal(tmp_path / DATABASE_FILE).stat().st_size >= reserve.JOURNAL


KILLED = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
for pragma in ("journal_mode = PERSIST", "cache_size = 1"):
    connection.execute(f"PRAGMA {pragma}")
connection.execute("UPDATE users SET name = 'half done'")
for number in range(2000):
    connection.execute("INSERT INTO groups (name) VALUES (?)", [f"{number:050}"])
os.kill(os.getpid(), 9)
"""


def test_what_a_killed_hub_had_begun_is_undone_and_the_reserve_stays(tmp_path: Path) -> None:
    file = tmp_path / DATABASE_FILE
    db = orm.new_session_factory(f"sqlite:///{file}")()
    assert reserve.keep(db)
    db.add(orm.User(name="ann"))
    db.commit()
    db.get_bind().dispose()
    subprocess.run([sys.executable, "-c", KILLED, str(file)], check=False)
    journal = reserve._journal(file)
    assert journal.read_bytes()[0], "nothing had been written when it was killed"
    room = journal.stat().st_blocks
    reserve.require_room(tmp_path)
    db = orm.new_session_factory(f"sqlite:///{file}")()
    assert [user.name for user in db.query(orm.User)] == ["ann"]
    assert journal.stat().st_blocks >= room
    db.close()


def test_without_a_reserve_it_cannot(tmp_path: Path) -> None:
    assert "OperationalError" in written(tmp_path, "without").stderr


def test_a_reserve_is_made_once_and_not_where_there_is_no_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / DATABASE_FILE
    db = orm.new_session_factory(f"sqlite:///{file}")()
    before = file.stat().st_size
    monkeypatch.setattr(disk, "free", lambda _: reserve.PAGES)
    assert not reserve.keep(db)
    assert file.stat().st_size == before
    monkeypatch.setattr(disk, "free", lambda _: GIB)
    assert reserve.keep(db)
    size = file.stat().st_size
    assert size >= before + reserve.PAGES
    assert reserve.keep(db)
    assert file.stat().st_size == size
    db.close()


def no_room(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_hub_without_a_reserve_says_what_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "posix_fallocate", no_room)
    with pytest.raises(DatabaseError, match=r"is full, .* before 2 MB are free. .*invoke clean"):
        reserve.require_room(tmp_path)


def test_an_older_database_needs_room_for_its_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / DATABASE_FILE
    db = orm.new_session_factory(f"sqlite:///{file}")()
    database.prepare(db)
    monkeypatch.setattr(disk, "free", lambda _: 0)
    reserve.require_room(tmp_path)  # one of today needs none
    db.execute(text("UPDATE alembic_version SET version_num = 'be8ecf03ddac'"))
    db.commit()
    with pytest.raises(DatabaseError, match="a database of an older hub is copied before"):
        reserve.require_room(tmp_path)
    db.close()


def test_copies_of_the_database_can_go_but_for_the_newest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    days = ("01", "02", "03")
    names = [f"{DATABASE_FILE}.2026-11-{day}-120000" for day in days]
    for name in (*names, f"{DATABASE_FILE}.mine"):
        (tmp_path / name).write_bytes(b"x")
    places = Places(data=tmp_path)
    assert copies(places, []) == 0
    assert json.loads(capsys.readouterr().out) == [
        {"name": name, "size": 1} for name in reversed(names[:2])
    ]
    assert copies(places, ["--remove", names[0]]) == 0
    for kept in (names[2], f"{DATABASE_FILE}.mine", "../hub"):
        assert copies(places, ["--remove", kept]) == 2
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == [names[1], names[2], f"{DATABASE_FILE}.mine"]


def test_a_file_is_written_whole_or_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "report.json"
    assert disk.write(file, b"one")
    monkeypatch.setattr(Path, "write_bytes", no_room)
    assert disk.write(file, b"one")
    assert not disk.write(file, b"two")
    assert (file.read_bytes(), list(tmp_path.iterdir())) == (b"one", [file])


@pytest.mark.parametrize(
    ("left", "admin", "says"),
    [
        (disk.FULL, True, ""),
        (disk.FULL, False, ""),
        (disk.FULL - 1, False, "Please tell an administrator."),
        (3_000_000, True, "3 MB are left"),
    ],
)
def test_people_are_told_to_tell_and_admins_what_to_do(left: int, admin: bool, says: str) -> None:
    told = disk.complaint(left, admin=admin)
    assert says in told if says else told == ""


class Answer(SimpleNamespace):
    """What a handler answers."""

    status, body = 200, ""

    def set_status(self, status: int) -> None:
        self.status = status

    def set_header(self, *_: str) -> None: ...

    def finish(self, body: str) -> None:
        self.body = body


@pytest.fixture
def explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """JupyterHub with explanations for this one test; the errors it sent."""
    sent: list[Any] = []
    monkeypatch.setattr(BaseHandler, "send_error", lambda _, status, **kw: sent.append(status))
    for method in ("get", "head"):
        monkeypatch.setattr(HealthCheckHandler, method, getattr(HealthCheckHandler, method))
    told.explain_trouble(tmp_path)
    return sent


@pytest.mark.usefixtures("explained")
def test_health_says_that_the_disk_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    for left in (GIB, 0):
        monkeypatch.setattr(disk, "free", lambda _, left=left: left)
        HealthCheckHandler.get(answer := Answer())
        seen.append((answer.status, json.loads(answer.body or "{}").get("message", "")[:32]))
    assert seen == [(200, ""), (503, "The disk of the data volume is f")]


def test_an_api_refuses_in_the_language_of_the_page(explained: list[Any]) -> None:
    """Scripts of pages show what it says."""
    before = languages.current.set("de")
    error = HTTPError(404, "There is no such running server.")
    handler = APIHandler.__new__(APIHandler)
    BaseHandler.send_error(handler, 404, exc_info=(HTTPError, error, None))
    languages.current.reset(before)
    assert explained == [404]
    assert error.jupyterhub_message == "Diesen laufenden Server gibt es nicht."


def test_what_the_database_could_not_write_is_said(explained: list[Any]) -> None:
    full = OperationalError("INSERT", {}, Exception("database or disk is full"))
    locked = OperationalError("INSERT", {}, Exception("database is locked"))
    for error in (full, locked):
        BaseHandler.send_error(object(), 500, exc_info=(type(error), error, None))
    assert explained == [507, 500]
    assert "no room left" in full.jupyterhub_message
    assert not hasattr(locked, "jupyterhub_message")
