"""What people are told while the hub's database is full, locked or away, and how soon."""

import json
import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from http import HTTPStatus
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from jupyterhub import orm
from jupyterhub.apihandlers.base import APIHandler
from jupyterhub.handlers.base import BaseHandler
from jupyterhub.handlers.pages import HealthCheckHandler
from jupyterhub.scopes import needs_scope
from psycopg import errors
from sqlalchemy.exc import (
    DatabaseError,
    IntegrityError,
    OperationalError,
    PendingRollbackError,
    ProgrammingError,
)
from sqlalchemy.orm import Session
from tornado.httpclient import AsyncHTTPClient
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application, HTTPError

from hub_config import away, disk, languages

LOCKED = OperationalError("SELECT", {}, sqlite3.OperationalError("database is locked"))


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (OperationalError("INSERT", {}, errors.DiskFull("no space")), 507),
        (OperationalError("INSERT", {}, Exception("database or disk is full")), 507),
        (OperationalError("SELECT", {}, errors.AdminShutdown("terminating connection")), 503),
        (OperationalError("SELECT", {}, errors.QueryCanceled("statement timeout")), 503),
        (OperationalError("", {}, psycopg.OperationalError("connection refused")), 503),
        (PendingRollbackError("Can't reconnect until invalid transaction is rolled back"), 503),
        (LOCKED, 503),
        (OperationalError("SELECT", {}, sqlite3.OperationalError("disk I/O error")), 503),
        (DatabaseError("SELECT", {}, sqlite3.DatabaseError("disk image is malformed")), 503),
        (OperationalError("SELECT", {}, sqlite3.OperationalError("no such table: x")), None),
        (ProgrammingError("SELECT", {}, errors.UndefinedTable("x")), None),
        (IntegrityError("INSERT", {}, sqlite3.IntegrityError("UNIQUE")), None),
        (KeyError("x"), None),
    ],
)
def test_what_fails_for_the_database_is_told_in_words(error: Any, status: int | None) -> None:
    said = away.of_database(error)
    assert (said and said[0]) == status


class Answer(SimpleNamespace):
    """What a handler answers."""

    status, body = 200, ""

    def set_status(self, status: int) -> None:
        self.status = status

    def set_header(self, *_: str) -> None: ...

    def finish(self, body: str) -> None:
        self.body = body


@pytest.fixture
def explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """JupyterHub with explanations for this one test."""
    for kind, names in (
        (BaseHandler, ("send_error", "log_exception", "get_current_user", "prepare")),
        (HealthCheckHandler, ("get", "head")),
    ):
        for name in names:
            monkeypatch.setattr(kind, name, getattr(kind, name))
    away.explain(tmp_path)


@pytest.mark.usefixtures("explained")
def test_health_says_that_the_disk_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    for left in (2**30, 0):
        monkeypatch.setattr(disk, "free", lambda _, left=left: left)
        HealthCheckHandler.get(answer := Answer())
        seen.append((answer.status, json.loads(answer.body or "{}").get("message", "")[:32]))
    assert seen == [(200, ""), (503, "The disk of the data volume is f")]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[tuple[Path, Session]]:
    """A file with JupyterHub's tables, and the hub's one session with it, which never waits."""
    file = tmp_path / "database"
    session = orm.new_session_factory(f"sqlite:///{file}", connect_args={"timeout": 0})()
    yield file, session
    session.close()


def lock(file: Path) -> sqlite3.Connection:
    """Have the file for oneself until the connection is closed."""
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    return other


class Mine(APIHandler):
    """A resource for those who are known."""

    @needs_scope("self")
    def get(self) -> None:
        self.finish("{}")


class Fails(APIHandler):
    """Where the database fails behind the door, or something else does."""

    def get(self) -> None:
        if self.get_argument("how", "") == "cancelled":
            return self.send_error(500)  # as tornado does, without a reason
        raise LOCKED if self.get_argument("how", "") else KeyError("a slip")


@pytest.mark.usefixtures("explained")
async def test_who_has_a_token_is_not_called_unknown(database: tuple[Path, Session]) -> None:
    file, session = database
    hub = SimpleNamespace(base_url="/hub/", cookie_name="hub")
    settings = {"db": session, "hub": hub, "log": logging.getLogger("test"), "cookie_secret": "x"}
    sockets = bind_unused_port()
    server = HTTPServer(Application([("/mine", Mine), ("/fails", Fails)], **settings))
    server.add_socket(sockets[0])

    async def asked(path: str, **headers: str) -> tuple[int, str]:
        url = f"http://127.0.0.1:{sockets[1]}/{path}"
        answer = await AsyncHTTPClient().fetch(url, headers=headers, raise_error=False)
        return answer.code, json.loads(answer.body)["message"]

    unknown = (HTTPStatus.FORBIDDEN, "Missing or invalid credentials.")
    silent = (HTTPStatus.SERVICE_UNAVAILABLE, away.AWAY_DATABASE)
    assert await asked("mine", Authorization="token abc") == unknown
    with closing(lock(file)):
        assert await asked("mine", Authorization="token abc") == silent
        assert await asked("mine", Cookie="hub=abc") == unknown, "no database is asked for that"
    assert await asked("fails?how=locked") == silent
    ending = (HTTPStatus.SERVICE_UNAVAILABLE, away.ENDING)
    assert await asked("fails?how=cancelled") == ending, "by a hub that ends"
    code, words = await asked("fails")
    assert (code, words.startswith(away.BROKEN)) == (500, True)
    assert await asked("mine", Authorization="token abc") == unknown
    server.stop()


def test_one_wait_for_a_lock_is_enough(database: tuple[Path, Session]) -> None:
    """The hub answers everybody from one thread."""
    file, session = database

    def patience() -> int:
        return int(session.connection().exec_driver_sql("PRAGMA busy_timeout").scalar() or 0)

    assert session.query(orm.User).count() == patience() == 0
    with closing(lock(file)), pytest.raises(OperationalError):
        session.query(orm.User).count()
    wait = session.connection().connection.cursor().execute("PRAGMA busy_timeout").fetchone()[0]
    assert wait == away.IMPATIENCE
    session.query(orm.User).count()
    assert patience() == away.PATIENCE


def test_an_api_refuses_in_the_language_of_the_page(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """Scripts of pages show what it says."""
    monkeypatch.setattr(BaseHandler, "send_error", lambda *_, **__: None)
    request.getfixturevalue("explained")
    before = languages.current.set("de")
    error = HTTPError(404, "There is no such running server.")
    handler = APIHandler.__new__(APIHandler)
    BaseHandler.send_error(handler, 404, exc_info=(HTTPError, error, None))
    languages.current.reset(before)
    assert getattr(error, "jupyterhub_message") == "Diesen laufenden Server gibt es nicht."  # noqa: B009
