"""What people are told while the hub's database does not answer or has no room: JupyterHub would
say nothing, or call them unknown. And of errors that nobody has words for, where it has a number.

PostgreSQL's waits are `postgres`' business, SQLite's are here: it waits for a lock in the one
thread that answers everybody.
"""

import json
import sqlite3
from http import HTTPStatus
from pathlib import Path
from typing import Any

from jupyterhub.apihandlers.base import APIHandler
from jupyterhub.handlers.base import BaseHandler
from jupyterhub.handlers.pages import HealthCheckHandler
from jupyterhub.spawner import SpawnException
from psycopg.errors import DiskFull
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    NotSupportedError,
    OperationalError,
    PendingRollbackError,
    ProgrammingError,
    SQLAlchemyError,
)
from tornado import web

from hub_config import disk, postgres, tracing, upstream
from hub_config.languages import said

NOT_WRITTEN = (
    "The hub's database has no room left on its disk, so this was not done. Tell an administrator."
)
AWAY_DATABASE = (
    "The hub's database does not answer at the moment. Servers that run go on. Try again in a "
    "minute; if this stays, tell an administrator."
)

ENDING = (
    "The hub is just ending, so this may not have been done. Servers that run go on. Try again in "
    "a minute; if this stays, tell an administrator."
)

BROKEN = (
    "Something broke on our side. Try again. If it happens twice, tell an administrator what you "
    "did and when."
)

_OURS = (DataError, IntegrityError, NotSupportedError, ProgrammingError)
"""What the database says of a question it would not answer at any other time either."""


def of_database(error: Any) -> tuple[HTTPStatus, str] | None:
    """What to tell of an error of the database; None where it is none that people can meet."""
    orig = getattr(error, "orig", None)
    if isinstance(orig, DiskFull) or (
        isinstance(error, OperationalError) and "disk is full" in str(orig)
    ):
        return HTTPStatus.INSUFFICIENT_STORAGE, NOT_WRITTEN
    if isinstance(orig, sqlite3.OperationalError) and str(orig).startswith("no such "):
        return None
    if isinstance(error, PendingRollbackError | DBAPIError) and not isinstance(error, _OURS):
        return HTTPStatus.SERVICE_UNAVAILABLE, AWAY_DATABASE
    return None


def explain(folder: Path) -> None:
    """Have JupyterHub say what it is when the disk of `folder`, the data volume's, is full, or the
    database is full or does not answer.

    Its health page says 200 as long as it answers, what the database could not do is a 500 without
    a word, and who has a session or a token would not be signed in.
    """
    _explain_health(folder)
    _explain_errors()
    _explain_nobody()


def _explain_health(folder: Path) -> None:
    def health(self: HealthCheckHandler) -> None:
        told = disk.complaint(disk.free(folder), admin=True)
        if told := told or AWAY_DATABASE * postgres.PULSE.gone:
            status = HTTPStatus.SERVICE_UNAVAILABLE
            self.set_status(status)
            self.set_header("Content-Type", "application/json")
            self.finish(json.dumps({"status": status, "message": told}))

    HealthCheckHandler.get = HealthCheckHandler.head = health


def _explain_errors() -> None:
    @upstream.around(BaseHandler, "send_error")
    def told(send_error: Any, self: Any, status_code: int = 500, **kwargs: Any) -> None:
        error: Any = (kwargs.get("exc_info") or (None, None))[1]
        if error is None and status_code == HTTPStatus.INTERNAL_SERVER_ERROR:
            # The hub ends, which cancels what it was at: tornado sends a bare status.
            status_code = HTTPStatus.SERVICE_UNAVAILABLE
            error = web.HTTPError(status_code, ENDING)
            kwargs["exc_info"] = (web.HTTPError, error, None)
        if found := of_database(error):
            # Both kinds of error pages show that.
            status_code, error.jupyterhub_message = found[0], said(found[1])
            if status_code == HTTPStatus.SERVICE_UNAVAILABLE:
                self._jupyterhub_user = None  # the page would ask for the name
        elif isinstance(self, APIHandler) and isinstance(error, web.HTTPError):
            # What pages' scripts show, in the language of the page.
            words = getattr(error, "jupyterhub_message", "") or error.get_message()
            setattr(error, "jupyterhub_message", said(words))  # noqa: B010
        elif isinstance(self, APIHandler) and error and not isinstance(error, SpawnException):
            error.jupyterhub_message = f"{said(BROKEN)} (Request {tracing.current_id()})"
        send_error(self, status_code, **kwargs)

    @upstream.around(BaseHandler, "log_exception")
    def logged(log_exception: Any, self: Any, kind: Any, error: Any, trace: Any) -> None:
        if of_database(error):
            self.log.warning("%s %s: %s", self.request.method, self.request.path, error)
        else:
            log_exception(self, kind, error, trace)


def _explain_nobody() -> None:
    """A connection that was lost, of which JupyterHub hears here first, costs nobody anything: it
    is asked again on another one.
    """

    @upstream.around(BaseHandler, "get_current_user")
    async def known(get_current_user: Any, self: Any) -> Any:
        for _ in range(2):
            if postgres.PULSE.gone:
                break
            try:
                return await get_current_user(self)
            except SQLAlchemyError as error:
                self.log.warning("%s %s: %s", self.request.method, self.request.path, error)
                postgres.roll_back(self.db)
                vars(self).pop("_jupyterhub_user", None)
                if not getattr(error, "connection_invalidated", True):
                    break
        self._jupyterhub_user, self.without_database = None, True
        return None

    @upstream.around(BaseHandler, "prepare")
    async def prepared(prepare: Any, self: Any) -> None:
        await prepare(self)
        shown = "Authorization" in self.request.headers or self.get_cookie(self.hub.cookie_name)
        if getattr(self, "without_database", False) and shown:
            error = web.HTTPError(HTTPStatus.SERVICE_UNAVAILABLE, AWAY_DATABASE)
            setattr(error, "jupyterhub_message", said(AWAY_DATABASE))  # noqa: B010
            raise error


PATIENCE, IMPATIENCE = 5000, 50
"""Milliseconds that SQLite waits for a lock (its Python's default), and after a wait in vain."""


@event.listens_for(Engine, "handle_error")
def _waited(context: ExceptionContext) -> None:
    """Once a lock has outlasted a wait, all who ask next would stand in a row, each for as long."""
    if context.connection is not None and "database is locked" in str(context.original_exception):
        _wait(context.connection, IMPATIENCE)


@event.listens_for(Engine, "after_cursor_execute")
def _answered(connection: Connection, *_: Any) -> None:
    if connection.info.get(_WAIT, PATIENCE) != PATIENCE:
        _wait(connection, PATIENCE)


_WAIT = "hub_config.wait"


def _wait(connection: Connection, milliseconds: int) -> None:
    """How long SQLite waits on this connection from now on (PRAGMA busy_timeout)."""
    connection.info[_WAIT] = milliseconds
    cursor: Any = connection.connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {milliseconds}")
    cursor.close()
