"""The times of running servers: JupyterHub's records, what their people asked for, and how pages
and API are told. Asking for more time is a POST with XSRF token, or with a token.

A server asks about itself with its own token (scope `users:activity!user`), which is how the notice
in JupyterLab, VS Code and marimo knows what was asked for on the hub's page.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from jupyterhub.apihandlers.base import APIHandler
from jupyterhub.handlers import BaseHandler
from jupyterhub.proxy import ConfigurableHTTPProxy
from jupyterhub.scopes import needs_scope
from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, Session, mapped_column
from tornado import web

from hub_config import names
from hub_config.database import Base
from hub_config.handlers import Handler
from hub_config.lifetimes import ends
from hub_config.lifetimes.why import words
from hub_config.moments import aware, utc

REPORT_SECONDS = 10
"""What a report of activity may take."""


class RoutesProxy(ConfigurableHTTPProxy):
    """configurable-http-proxy, asked for routes and nothing else."""

    async def get_all_routes(self) -> dict[str, Any]:
        """All routes, without times. JupyterHub allows for proxies that know none."""
        routes: dict[str, Any] = await super().get_all_routes()
        for route in routes.values():
            route["data"].pop("last_activity", None)
        return routes


class MoreTimeRow(Base):
    """One server's wish. It holds for the run that began at `started`, not for a later one.

    Times are UTC without zone, as JupyterHub's own tables have them.
    """

    __tablename__ = "platform_more_time"
    user: Mapped[str] = mapped_column(String(255), primary_key=True)
    server: Mapped[str] = mapped_column(String(255), primary_key=True)
    started: Mapped[datetime]
    until: Mapped[datetime]


def asked_until(row: MoreTimeRow | None, started: datetime) -> datetime | None:
    """Until when the person wants this run of the server left alone; None: not asked."""
    return aware(row.until) if row is not None and row.started == utc(started) else None


def remember(db: Session, user: str, server: str, started: datetime, until: datetime) -> None:
    """Keep the wish."""
    db.merge(MoreTimeRow(user=user, server=server, started=utc(started), until=utc(until)))
    db.commit()


def forget(db: Session, user: str) -> None:
    """The person was deleted."""
    db.query(MoreTimeRow).filter_by(user=user).delete()
    db.commit()


def running(db: Any, users: Iterable[Any]) -> Iterator[ends.Server]:
    """The servers of `users` (JupyterHub's) that run, but for jobs'; `db` is the hub's session."""
    users = list(users)
    named = MoreTimeRow.user.in_([user.name for user in users])
    asked = {(row.user, row.server): row for row in db.scalars(select(MoreTimeRow).where(named))}
    for user in users:
        for name, spawner in user.spawners.items():
            record = spawner.orm_spawner
            if spawner.ready and record.started and not names.is_job(name):
                started = aware(record.started)
                last = aware(record.last_activity or record.started)
                until = asked_until(asked.get((user.name, name)), started)
                yield ends.Server(user.name, name, started, max(last, started), until)


def answer(server: ends.Server, limits: ends.Limits) -> dict[str, Any]:
    """What a page or a script is told about one server; seconds are from now."""
    now = datetime.now(UTC)
    end = ends.end(server, limits)
    more = ends.more_time(server, limits)
    left = (end.when - now).total_seconds() if end else None
    return {
        "verdict": ends.judge(now, server, limits),
        "ends": end.when.isoformat() if end else None,
        "seconds_left": None if left is None else max(0.0, left),
        "more_time": more is not None and not (end and end.because_of_age),
        "activity_helps": not (end and end.because_of_age),
    }


class ServerTimes:
    """For templates, as `server_times`: JupyterHub calls it with whoever looks at the page."""

    def __init__(self, limits: ends.Limits) -> None:
        self.limits = limits

    def __call__(self, user: Any) -> list[dict[str, Any]]:
        """One dictionary per server: `name`, `title` (what its person called it), `why` it counts
        as active at the moment (empty: it does not) and what `answer` says. Empty for nobody.
        """
        if user is None or not hasattr(user, "spawners"):
            return []
        return [
            {
                "name": server.name,
                "title": user.spawners[server.name].display_name or server.name,
                "why": self._why(user.spawners[server.name], server),
                **answer(server, self.limits),
            }
            for server in running(user.db, [user])
        ]

    def _why(self, spawner: Any, server: ends.Server) -> str:
        unseen = (datetime.now(UTC) - server.last_activity).total_seconds()
        fresh = unseen < 2 * self.limits.interval + REPORT_SECONDS
        return str(getattr(spawner, "why_active", "")) if fresh else ""


def grant(handler: BaseHandler, server: ends.Server, limits: ends.Limits) -> None:
    """Leave the server alone for longer; raises HTTPError 409 when there is no more to be had."""
    until = ends.more_time(server, limits)
    if until is None:
        raise web.HTTPError(409, "There is no more time to be had for this server.")
    remember(handler.db, server.user, server.name, server.started, until)
    handler.log.info("%s asked for more time for server %r", server.user, server.name)


def find(handler: BaseHandler, user_name: str, server_name: str) -> ends.Server:
    """The running server of that name; raises HTTPError 404."""
    user = handler.find_user(user_name)
    for server in running(handler.db, [user] if user else []):
        if server.name == server_name:
            return server
    raise web.HTTPError(404, "There is no such running server.")


class ServersTimeHandler(Handler, APIHandler):
    """The servers whose time is over, for the service that stops them."""

    limits: ends.Limits

    @needs_scope("read:users:activity")
    def get(self) -> None:
        """Their names, and whose they are."""
        now, servers = datetime.now(UTC), running(self.db, self.users.values())
        due = (one for one in servers if ends.judge(now, one, self.limits) is ends.Verdict.STOP)
        self.finish(json.dumps([{"user": one.user, "name": one.name} for one in due]))


class ServerTimeHandler(Handler, APIHandler):
    """One server."""

    limits: ends.Limits

    @needs_scope("read:users:activity")
    def get(self, user_name: str, server_name: str = "") -> None:
        """What `times.answer` says."""
        self._tell(user_name, server_name)

    @needs_scope("users:activity")
    def post(self, user_name: str, server_name: str = "") -> None:
        """Ask for more time."""
        grant(self, find(self, user_name, server_name), self.limits)
        self._tell(user_name, server_name)

    @needs_scope("users:activity")
    def put(self, user_name: str, server_name: str = "") -> None:
        """The server says why it counts as active: `{"why": "kernel"}` (`why.KINDS`)."""
        find(self, user_name, server_name)
        told = self.get_json_body()
        try:
            self.find_user(user_name).spawners[server_name].why_active = words(str(told["why"]))
        except (TypeError, KeyError, ValueError) as error:
            raise web.HTTPError(400, f'Expected {{"why": "kernel"}}: {error}') from None
        self.set_status(204)

    def _tell(self, user_name: str, server_name: str) -> None:
        found = find(self, user_name, server_name)
        self.finish(json.dumps(answer(found, self.limits)))


class MoreTimeHandler(Handler):
    """The button on the hub's pages."""

    limits: ends.Limits

    @web.authenticated
    def post(self, server_name: str = "") -> None:
        """More time for one's own server, then back home."""
        grant(self, find(self, self.current_user.name, server_name), self.limits)
        self.lead_to("home")


def routes(limits: ends.Limits) -> list[tuple[str, type[BaseHandler], dict[str, Any]]]:
    """Where they are, below the hub's prefix."""
    given = {"limits": limits}
    return [
        (r"/api/lifetimes", ServersTimeHandler, given),
        (r"/api/lifetimes/([^/]+)/([^/]*)", ServerTimeHandler, given),
        (r"/more-time/([^/]*)", MoreTimeHandler, given),
    ]
