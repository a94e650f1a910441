"""One hub at a time: whoever holds a lock in PostgreSQL is the hub, and others wait for it here,
before JupyterHub starts, which has to own its database (`JHUB_FAILOVER`).

The lock belongs to a session of its own, and PostgreSQL frees it when that session ends: at once
when the hub's process does, and `FREED` seconds after the hub has said something last when it is
frozen or cut off. The hub asks each `BEAT` and ends itself once nothing it asked within `DOUBT` was
answered, or as soon as the session is closed. All times are of the session's own questions, so the
hub always ends `FREED - DOUBT` seconds before another one can begin:

    0 s           BEAT            DOUBT                  FREED         + LOOK
    last question next question   the hub has ended      lock is free  another one leads

A hub that could not end itself in time, since it was frozen, is fenced off by the epoch, a number
that each leader gets and that is higher than all before: the filter passes on nothing of an older
one (`engine_filter.serving`), the proxy's token is another one, PostgreSQL has closed its sessions,
and it opens no new one before it has ended.
"""

import os
import select
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import psycopg

from hub_config import DatabaseError, health, postgres
from hub_config.names import EPOCH_VARIABLE, SERVICE

BEAT = 1.0
DOUBT = 6.0
FREED = 7
LOOK = 0.25

WAITING = Path("/tmp/waiting")  # noqa: S108  a tmpfs of the container's own
"""Touched while this hub waits, for its health check."""

ENDED = 75
"""Exit code of a hub that may no longer be the one (sysexits.h, EX_TEMPFAIL)."""

_NAME = "jupyterhub-lock"
_LOCK = 0x6A687562
_OPTIONS: dict[str, Any] = {
    **postgres.OPTIONS,
    "application_name": f"{_NAME} {SERVICE}",
    # So the server itself ends a session that nobody is behind (PostgreSQL 17, 19.2 and 19.11.1).
    "options": f"-c idle_session_timeout={FREED}s -c tcp_keepalives_idle=2"
    f" -c tcp_keepalives_interval=1 -c tcp_keepalives_count=2 -c tcp_user_timeout={FREED}s",
}

_LEADER = (
    "SELECT split_part(application_name, ' ', 2) FROM pg_locks JOIN pg_stat_activity USING (pid)"  # noqa: S608
    f" WHERE locktype = 'advisory' AND granted AND objid = {_LOCK} AND database ="
    " (SELECT oid FROM pg_database WHERE datname = current_database())"
)
# Never lower than a clock, so that a database that was lost or put back begins no older epoch.
_NEXT = (
    "SELECT setval('platform_epoch', greatest(nextval('platform_epoch'),"
    " extract(epoch FROM clock_timestamp())::bigint))"
)
_END_OTHERS = (
    "SELECT count(pg_terminate_backend(pid, 1000)) FROM pg_stat_activity WHERE usename ="  # noqa: S608
    " current_user AND datname = current_database() AND pid <> pg_backend_pid()"
    f" AND application_name NOT LIKE '{_NAME}%'"
)

now = partial(time.clock_gettime, time.CLOCK_BOOTTIME)
"""Goes on while the machine sleeps, too."""


class LockSession(postgres.PatientConnection):
    """The session of the lock."""

    patience = DOUBT - BEAT
    watched = False

    def value(self, query: str) -> Any:
        """The one value that `query` has, None for none."""
        row = self.execute(query.encode()).fetchone()
        return row[0] if row else None


def lead(url: str) -> None:
    """Return once this hub is the one, however long that takes. From then on the process ends when
    that is in doubt.

    Raises DatabaseError where no lock can be had at all, as through a pool of connections.
    """
    health.check(WAITING.as_uri())
    told = ""
    while True:
        session = None
        try:
            session = LockSession.connect(postgres.plain(url), autocommit=True, **_OPTIONS)
            require_own_session(session.info.backend_pid, session.value)
            asked = now()
            while not session.value(f"SELECT pg_try_advisory_lock({_LOCK})"):
                WAITING.touch()
                if told != (told := f"{session.value(_LEADER)} is the hub; this one waits"):
                    say(told)
                time.sleep(LOOK)
                asked = now()
            session.execute("CREATE SEQUENCE IF NOT EXISTS platform_epoch")
            epoch = session.value(_NEXT)
            session.value(_END_OTHERS)
        except psycopg.Error as error:
            if told != (told := f"waits for the database: {' '.join(str(error).split())}"):
                say(told)
            if session:  # with the lock, where it had it
                session.pgconn.finish()
            time.sleep(BEAT)
            continue
        say(f"this is the hub now, epoch {epoch}")
        os.environ[EPOCH_VARIABLE] = str(epoch)
        postgres.PULSE.good_until = asked + DOUBT
        threading.Thread(target=watch, args=(session, asked), name="lock", daemon=True).start()
        return


def require_own_session(pid: int, value: Callable[[str], Any]) -> None:
    """Raises DatabaseError unless PostgreSQL itself is at the other end, and will free the lock."""
    if value("SELECT pg_backend_pid()") != pid:
        raise DatabaseError(
            "JHUB_FAILOVER: JHUB_DB_URL leads to a pool of connections, which would keep the lock; "
            "expected the address of PostgreSQL itself"
        )
    if (found := value("SHOW idle_session_timeout")) != f"{FREED}s":
        raise DatabaseError(
            f"JHUB_FAILOVER: the session's idle_session_timeout is {found}, not {FREED}s; expected "
            "PostgreSQL 14 or newer that lets its users set it"
        )


def watch(session: LockSession, last: float, end: Callable[[str], Any] | None = None) -> None:
    """Ask until none within `DOUBT` of the last question was answered, then end this process."""
    why = f"the database has not answered within {DOUBT:.0f} s"
    try:
        while (left := last + DOUBT - now()) > 0:
            session.patience, asked = left, now()
            session.execute("SELECT 1")
            postgres.PULSE.good_until = asked + DOUBT
            last = asked
            # A session that was closed can be read from at once.
            select.select([session.fileno()], [], [], BEAT)
    except (psycopg.Error, OSError, ValueError) as error:
        why = " ".join(str(error).split())
    (end or give_up)(why)


def give_up(why: str) -> NoReturn:
    """End this process, as it is: whatever it would still do may be another hub's by now."""
    say(f"this may be the hub no longer, and ends: {why}")
    os._exit(ENDED)


def say(what: str) -> None:
    """Into the container's log."""
    print(f"{SERVICE}: {what}", file=sys.stderr, flush=True)
