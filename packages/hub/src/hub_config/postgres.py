"""The hub's connections to PostgreSQL: none lets the hub wait for longer than people do.

JupyterHub asks its database from the one thread that answers everybody. A server that was stopped,
cut off or put on another machine says nothing at all, and neither its own timeouts nor the kernel's
end a wait for an answer. So here every wait has an end, and a second connection, in a thread, asks
each second whether there is anybody: while there is not, all that wants the database fails at once
instead of after its own wait, and the hub goes on answering.

The password is in no URL, no variable and no argument: libpq reads it from a file.
"""

import asyncio
import math
import os
import threading
import time
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
from psycopg.errors import (
    AdminShutdown,
    CannotConnectNow,
    ConnectionTimeout,
    CrashShutdown,
    DatabaseDropped,
    IdleInTransactionSessionTimeout,
    IdleSessionTimeout,
    OperationalError,
    ReadOnlySqlTransaction,
)
from sqlalchemy import Engine, Result, event
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import Dialect, ExceptionContext
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.orm import ORMExecuteState, Session

from hub_config import DatabaseError

CONNECT = 3
"""Seconds in which each of the URL's hosts has to answer a new connection."""

STATEMENT = 10
"""Seconds that one statement may take; the server ends it then, a wait for a lock after half."""

BEAT = 1.0
"""Seconds between two questions whether the server is there, and for which an answer may take."""

AWAY = "the database does not answer"

_ENOUGH = 4
"""Connections lost one after another that say so, too: some may have been ended alone."""

PASSWORD_FILE = Path("/tmp/database-password")  # noqa: S108  a tmpfs of the container's own

OPTIONS: dict[str, Any] = {
    "connect_timeout": CONNECT,
    "tcp_user_timeout": CONNECT * 1000,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 2,
    "application_name": "jupyterhub",
    "options": f"-c statement_timeout={STATEMENT}s -c lock_timeout={STATEMENT // 2}s",
}
"""What libpq is told where the URL says nothing else (PostgreSQL 17, 32.1.2 and 19.11.1)."""


class PatientConnection(psycopg.Connection[Any]):
    """A connection that is closed when an answer does not come in time."""

    patience = STATEMENT + 2.0
    watched = True

    def wait(
        self, gen: Generator[Any, Any, Any], interval: float = 0.1, timeout: float | None = None
    ) -> Any:
        """As psycopg's own, which would wait for ever."""
        return super().wait(self._in_time(gen), interval, timeout)

    def _in_time(self, waiting: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        deadline = time.monotonic() + self.patience
        try:
            wanted = next(waiting)
            while True:
                ready = yield wanted
                if not ready and (time.monotonic() > deadline or (self.watched and PULSE.gone)):
                    self.pgconn.finish()  # SQLAlchemy takes a closed one for one that was lost
                    raise OperationalError(AWAY)
                wanted = waiting.send(ready)
        except StopIteration as ended:
            return ended.value


class _Asking(PatientConnection):
    patience = 3 * BEAT
    watched = False


def plain(url: str) -> str:
    """The URL as libpq knows it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


class Pulse:
    """Whether the database answers and takes changes, asked by a thread of its own."""

    def __init__(self) -> None:
        self._url = ""
        self._gone = False
        self.good_until = math.inf
        """Until when (CLOCK_BOOTTIME) this hub may change anything; `leading` says so."""

    @property
    def gone(self) -> bool:
        """Whether there is no use in asking the database at this moment."""
        return self._gone or time.clock_gettime(time.CLOCK_BOOTTIME) > self.good_until

    def begin(self, url: str) -> None:
        """Go on asking for as long as this process lives."""
        if not self._url:
            self._url = url
            threading.Thread(target=self._ask, name="database", daemon=True).start()

    def _ask(self) -> None:
        misses = 0
        while True:
            try:
                with _Asking.connect(plain(self._url), **OPTIONS) as there:
                    there.autocommit = True
                    while self._takes_changes(there):
                        self._gone, misses = False, 0
                        time.sleep(BEAT)
                misses = _ENOUGH
            except psycopg.Error as error:
                waited = isinstance(error, ConnectionTimeout) or str(error) == AWAY
                misses += _ENOUGH if waited else 1
            if misses >= _ENOUGH:
                self._gone = True
                time.sleep(BEAT)

    @staticmethod
    def _takes_changes(there: psycopg.Connection[Any]) -> bool:
        row = there.execute("SHOW transaction_read_only").fetchone()
        return row is not None and row[0] == "off"


PULSE = Pulse()


@event.listens_for(Engine, "do_connect")
def _connect(dialect: Dialect, _record: Any, args: Any, options: Any) -> Any:
    """Have all connections of this process be patient ones."""
    if dialect.driver != "psycopg":
        return None
    if PULSE.gone:
        raise OperationalError(AWAY)
    return PatientConnection.connect(*args, **{**OPTIONS, **options})


_ENDED = (
    *(AdminShutdown, CrashShutdown, CannotConnectNow, DatabaseDropped, IdleSessionTimeout),
    *(IdleInTransactionSessionTimeout, ReadOnlySqlTransaction),
)


@event.listens_for(Engine, "handle_error")
def _lost(context: ExceptionContext) -> None:
    """A server that was demoted while one was connected to it takes no changes any more: let go.
    One that ended a connection says so before the connection itself does.
    """
    if isinstance(context.original_exception, _ENDED):
        context.is_disconnect = True


def first(url: str, query: str) -> str:
    """The first value that `query` finds; empty when there is none, or no such table.

    Raises DatabaseError where the server is not there or does not let anybody in.
    """
    try:
        with _Asking.connect(plain(url), **OPTIONS) as connection:
            with suppress(psycopg.errors.UndefinedTable):
                row = connection.execute(query.encode()).fetchone()
                return str(row[0]) if row and row[0] is not None else ""
            return ""
    except psycopg.Error as error:
        said = (str(error).strip().splitlines() or [type(error).__name__])[-1]
        raise DatabaseError(f"JHUB_DB_URL, {url}: the database cannot be used: {said}") from None


def wait(url: str, seconds: float = 60.0) -> None:
    """Return once the database answers. Raises DatabaseError when it has not in time."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            first(url, "SELECT 1")
        except DatabaseError:
            if time.monotonic() > deadline:
                raise
            time.sleep(BEAT / 2)
        else:
            return


def use_password(password: str, file: Path = PASSWORD_FILE) -> None:
    """Have libpq in this process and in what it starts find the password, in a file of its own."""
    escaped = password.replace("\\", "\\\\").replace(":", "\\:")
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        opened.write(f"*:*:*:*:{escaped}\n")
    os.environ["PGPASSFILE"] = str(file)


def roll_back(session: Session) -> None:
    """Have a session begin anew; that its connection is lost meanwhile is all the same to it."""
    with suppress(SQLAlchemyError):
        session.rollback()


def keep_usable(session: Session) -> None:
    """For the hub's one session, which is never closed: have it get over connections that are lost,
    and end transactions in which nothing was changed, which it would keep open for ever.

    Where nothing was changed yet, what meets a lost one is asked again on another. Else the error
    is its asker's, and the session is rolled back as soon as that step is over, as JupyterHub does
    where it expects an error. Idle transactions end so that the next question has a fresh
    connection.
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:  # a command beside the hub
        return
    engine = session.get_bind().engine
    PULSE.begin(engine.url.render_as_string(hide_password=False))
    flushed = False

    def changed() -> bool:
        return bool(flushed or session.new or session.dirty or session.deleted)

    def mend() -> None:
        if not session.is_active:  # a flush that failed
            roll_back(session)

    @event.listens_for(engine, "handle_error")
    def lost(context: ExceptionContext) -> None:
        if context.is_disconnect:
            loop.call_soon_threadsafe(mend)

    @event.listens_for(session, "after_flush")
    def noted(*_args: Any) -> None:
        nonlocal flushed
        flushed = True

    @event.listens_for(session, "do_orm_execute")
    def asked(state: ORMExecuteState) -> Result[Any]:
        nonlocal flushed
        flushed = flushed or not state.is_select
        tries = _ENOUGH
        while True:
            tries -= 1
            again = tries and not changed()
            try:
                return state.invoke_statement()
            except DBAPIError as error:
                if not error.connection_invalidated:
                    raise
                if not again or PULSE.gone:
                    loop.call_soon(roll_back, session)
                    raise
                roll_back(session)

    @event.listens_for(session, "after_transaction_end")
    def ended(*_args: Any) -> None:
        nonlocal flushed
        flushed = False

    def tidy() -> None:
        if session.in_transaction() and not changed():
            try:
                session.commit()
            except SQLAlchemyError:
                roll_back(session)
        loop.call_later(BEAT, tidy)

    loop.call_later(BEAT, tidy)
