"""What whoever starts a server is told: the stages it goes through as they happen, and why it is
not started.

JupyterHub sends what `Stages.watch` yields to the browser as server-sent events
(apihandlers/users.py, SpawnProgressAPIHandler); keys it does not know are passed on.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from enum import Enum
from functools import wraps
from html import escape
from http import HTTPStatus
from pathlib import Path
from typing import Any

import psycopg
import requests
from docker.errors import APIError, DockerException
from jupyterhub.apihandlers.base import APIHandler
from jupyterhub.handlers.base import BaseHandler
from jupyterhub.handlers.pages import HealthCheckHandler
from jupyterhub.spawner import SpawnException
from psycopg.errors import DiskFull
from sqlalchemy.exc import OperationalError, PendingRollbackError, SQLAlchemyError
from tornado import web

from hub_config import counted, disk, postgres, tracing
from hub_config.languages import said
from hub_config.runtime.interface import AwayError

AWAY = (
    "The hub cannot reach the Docker Engine at the moment, so the server was not started. "
    "Try again in a minute; if this stays, tell an administrator."
)
REFUSED = (
    "The hub's filter before the Docker Engine does not permit what this server needs. "
    "Trying again does not help: tell an administrator, who finds the reason in the hub's log."
)
CONFLICT = (
    "Something with the name of this server's container is still there, perhaps because the last "
    "one is just being removed. Try again in a minute; if this stays, tell an administrator."
)
FULL = "The disk of this machine is full, so the server was not started. Tell an administrator."
NOT_WRITTEN = (
    "The hub's database has no room left on its disk, so this was not done. Tell an administrator."
)
AWAY_DATABASE = (
    "The hub's database does not answer at the moment. Servers that run go on. Try again in a "
    "minute; if this stays, tell an administrator."
)
FAILED = (
    "The Docker Engine could not make this server's container. Try again; if this stays, tell an "
    "administrator, who finds the reason in the hub's log."
)

_GATEWAY = {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}
"""What the filter answers when the engine does not (engine_filter, `_message`)."""


class Refusal(SpawnException):
    """A spawn that policy or the choice itself rules out: nothing was started.

    JupyterHub shows `jupyterhub_message` on pages (utils.py, format_exception) and the message in
    the API's answer, with `status_code`. `reason` is a short label for the metrics.
    """

    def __init__(self, message: str, *, reason: str, status_code: int = 400) -> None:
        super().__init__(message, reason=reason, status_code=status_code)
        self.jupyterhub_message = message


class StartFailure(SpawnException):
    """A server that was started and did not come up.

    The first line of `message` is the reason, the others are the last ones of the log.
    """

    def __init__(self, message: str, *, status_code: int = 500) -> None:
        if request := tracing.current_id():
            reason, newline, lines = message.partition("\n")
            message = f"{reason} (Request {request}){newline}{lines}"
        super().__init__(message, reason=counted.START_FAILED, status_code=int(status_code))
        self.jupyterhub_message = message
        reason, _, lines = message.partition("\n")
        self.jupyterhub_html_message = f"<p>{escape(reason)}</p>"
        if lines:
            # As in not_running.html; long lines scroll, so the keyboard has to get there.
            self.jupyterhub_html_message += (
                '<pre class="log-tail" tabindex="0" role="region" '
                f'aria-label="Last lines of its log">{escape(lines)}</pre>'
            )


def engine_trouble(error: AwayError | DockerException | requests.RequestException) -> StartFailure:
    """What to tell a person when the engine, or the filter before it, fails a call of a start; what
    it said itself is for the hub's log.
    """
    cause = error.__cause__ if isinstance(error, AwayError) else error
    status = cause.status_code if isinstance(cause, APIError) else None
    if status is None or status in _GATEWAY:
        return StartFailure(AWAY, status_code=HTTPStatus.SERVICE_UNAVAILABLE)
    # The engine has no status of its own for a full disk: it passes on the system's words.
    if "no space left on device" in str(error).lower():
        return StartFailure(FULL, status_code=HTTPStatus.INSUFFICIENT_STORAGE)
    if status == HTTPStatus.FORBIDDEN:
        return StartFailure(REFUSED)
    if status == HTTPStatus.CONFLICT:
        return StartFailure(CONFLICT, status_code=HTTPStatus.CONFLICT)
    return StartFailure(FAILED)


Event = dict[str, Any]


class Stage(Enum):
    """Name, percentages at which it begins and ends, and what it says."""

    IMAGE = ("image", 5, 50, "Looking for the image")
    QUEUE = ("queue", 50, 55, "Waiting for a turn")
    NETWORK = ("network", 55, 60, "Making the server's network")
    VOLUME = ("volume", 60, 65, "Finding the home volume")
    CONTAINER = ("container", 65, 75, "Creating the container")
    SERVER = ("server", 75, 95, "Waiting for the server to answer")

    def __init__(self, label: str, begin: int, end: int, sentence: str) -> None:
        self.label, self.begin, self.end, self.sentence = label, begin, end, sentence


for stage in Stage:
    counted.STAGE_SECONDS.labels(stage.label)  # known before the first start


class Stages:
    """What one start has told so far. A later message of a stage replaces its earlier one, so
    that a page opened late sees one line a stage; whoever watches meanwhile sees them all.
    """

    def __init__(self) -> None:
        self._told: dict[Stage, tuple[int, Event]] = {}
        self._count = 0
        self._percent = 0
        self._ended = False
        self._news = asyncio.Event()
        self._stage: Stage | None = None
        self._began = 0.0
        self.times: list[tuple[str, int, int]] = []
        """The stages of the last start that are over, each with its begin and end, in nanoseconds
        since the epoch.
        """

    def begin(self) -> None:
        """Forget the start before."""
        self._told = {}
        self._percent = 0
        self._ended = False
        self._stage = None

    def tell(self, stage: Stage, message: str = "", part: float = 0.0) -> None:
        """`stage` has begun, or is done to `part` (0 to 1). The percentage never falls."""
        self._time(stage)
        percent = int(stage.begin + min(1.0, max(0.0, part)) * (stage.end - stage.begin))
        self._percent = max(self._percent, percent)
        self._count += 1
        event = {
            "progress": self._percent,
            "message": message or stage.sentence,
            "stage": stage.label,
        }
        self._told[stage] = (self._count, event)
        self._wake()

    def end(self) -> None:
        """Nothing more will be told: all who watch are done."""
        self._ended = True
        self._time(None)
        self._wake()

    def _time(self, stage: Stage | None) -> None:
        """Count how long the stage took that is over when `stage` has begun."""
        if stage is not self._stage:
            now, at = time.monotonic(), time.time_ns()
            if self._stage is None:
                self.times = []  # of the start before, which ended at the latest now
            else:
                seconds = now - self._began
                counted.STAGE_SECONDS.labels(self._stage.label).observe(seconds)
                self.times.append((self._stage.label, at - int(seconds * 1e9), at))
            self._stage, self._began = stage, now

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    async def watch(self) -> AsyncIterator[Event]:
        """What was told and what will be, in order, until the end."""
        seen = 0
        while True:
            news = self._news
            for count, event in sorted(self._told.values(), key=lambda told: told[0]):
                if count > seen:
                    seen = count
                    yield {**event, "message": said(event["message"])}
            if news is not self._news:
                continue
            if self._ended:
                return
            await news.wait()


def _of_database(error: Any) -> tuple[HTTPStatus, str] | None:
    """What to tell of an error of the database; None where it is none that people can meet."""
    orig = getattr(error, "orig", None)
    if isinstance(orig, DiskFull) or (
        isinstance(error, OperationalError) and "disk is full" in str(orig)
    ):
        return HTTPStatus.INSUFFICIENT_STORAGE, NOT_WRITTEN
    if isinstance(error, PendingRollbackError) or isinstance(orig, psycopg.OperationalError):
        return HTTPStatus.SERVICE_UNAVAILABLE, AWAY_DATABASE
    return None


def explain_trouble(folder: Path) -> None:
    """Have JupyterHub say what it is when the disk of `folder`, the data volume's, is full, or the
    database is.

    Its health page says 200 as long as it answers, and what the database could not do is a 500
    without a word.
    """

    def health(self: HealthCheckHandler) -> None:
        told = disk.complaint(disk.free(folder), admin=True)
        if told := told or AWAY_DATABASE * postgres.PULSE.gone:
            status = HTTPStatus.SERVICE_UNAVAILABLE
            self.set_status(status)
            self.set_header("Content-Type", "application/json")
            self.finish(json.dumps({"status": status, "message": told}))

    HealthCheckHandler.get = HealthCheckHandler.head = health
    send_error = BaseHandler.send_error

    @wraps(send_error)
    def told(self: Any, status_code: int = 500, **kwargs: Any) -> None:
        error: Any = (kwargs.get("exc_info") or (None, None))[1]
        if found := _of_database(error):
            # Both kinds of error pages show that.
            status_code, error.jupyterhub_message = found
        elif isinstance(self, APIHandler) and isinstance(error, web.HTTPError):
            # What pages' scripts show, in the language of the page.
            words = getattr(error, "jupyterhub_message", "") or error.get_message()
            setattr(error, "jupyterhub_message", said(words))  # noqa: B010
        send_error(self, status_code, **kwargs)

    BaseHandler.send_error = told
    log_exception = BaseHandler.log_exception

    @wraps(log_exception)
    def logged(self: Any, kind: Any, error: Any, trace: Any) -> None:
        if _of_database(error):
            self.log.warning("%s %s: %s", self.request.method, self.request.path, error)
        else:
            log_exception(self, kind, error, trace)

    BaseHandler.log_exception = logged


def explain_away_database() -> None:
    """Have JupyterHub say that PostgreSQL is away to who has a session or a token, which it would
    call not signed in. A connection that was lost, of which it hears here first, costs nobody
    anything: it is asked again on another one.
    """
    get_current_user, prepare = BaseHandler.get_current_user, BaseHandler.prepare

    async def known(self: Any) -> Any:
        for _ in range(2):
            if postgres.PULSE.gone:
                break
            try:
                return await get_current_user(self)
            except SQLAlchemyError:
                postgres.roll_back(self.db)
                vars(self).pop("_jupyterhub_user", None)
        self._jupyterhub_user, self.without_database = None, True
        return None

    async def prepared(self: Any) -> None:
        await prepare(self)
        shown = "Authorization" in self.request.headers or self.get_cookie(self.hub.cookie_name)
        if getattr(self, "without_database", False) and shown:
            error = web.HTTPError(HTTPStatus.SERVICE_UNAVAILABLE, AWAY_DATABASE)
            setattr(error, "jupyterhub_message", AWAY_DATABASE)  # noqa: B010
            raise error

    BaseHandler.get_current_user, BaseHandler.prepare = known, prepared
