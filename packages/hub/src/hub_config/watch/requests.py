"""Tells the audit log what people, admins and services ask of the hub, and what came of it.

One place sees all requests: Tornado's `log_function`, called for each when it is answered. So no
page and no call of JupyterHub's API, today's or a later version's, can forget to tell. Log-ins,
starts and ends have an outcome of their own, whoever asked for them (`watch`).
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from jupyterhub import orm
from jupyterhub.handlers.base import BaseHandler
from jupyterhub.log import log_request
from jupyterhub.user import User
from tornado.web import RequestHandler

from hub_config import languages, traces, tracing, upstream
from hub_config.audit import events
from hub_config.tracing import Visit
from hub_config.watch import kinds
from hub_config.watch.kinds import Meant

Address = Callable[[BaseHandler], Awaitable[str]]
"""Where a request really comes from."""

_NOBODYS = {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}


def watch(address: Address) -> None:
    """Have all requests, log-ins, starts and stops told from now on."""
    _visits(address)
    _log_ins()
    _starts()
    _stops()


def told(handler: RequestHandler) -> None:
    """Tornado's `log_function`: JupyterHub's own line, then the audit log."""
    log_request(handler)
    if isinstance(handler, BaseHandler):
        try:
            _tell(handler)
        except Exception:
            handler.log.exception("The audit log was told the least there is to tell")
            events.tell("request", result=result(handler, ""), path=handler.request.path)


def _meant(handler: BaseHandler) -> Meant | None:
    path = handler.request.path.removeprefix(handler.hub.base_url)
    return kinds.meaning(str(handler.request.method), path)


def _tell(handler: BaseHandler) -> None:
    visit: Visit | None = getattr(handler, "visit", None)
    if visit is None:  # a request for nobody, answered before anything was asked
        return
    meant, status = _meant(handler), handler.get_status()
    if meant is not None and (meant.kind.what != "request" or status not in _NOBODYS):
        form = sent(handler)
        what, more = meant.what(form), {**_parts(meant), **_fields(meant, form), **visit.more}
        if not visit.who and status >= HTTPStatus.BAD_REQUEST:
            more = dict(visit.more)  # anybody can write anything there
        if what == "request":
            more |= {"method": handler.request.method, "path": handler.request.path}
        outcome = more.pop("outcome", "") or result(handler, what)
        on = more.pop("on", "") or _whose(handler, meant, form, visit)
        if isinstance(on, list):
            more["people"], on = on, ""
        if (
            outcome != "ok"
            and not visit.who
            and not (isinstance(on, str) and is_known(handler, on))
        ):
            on = ""  # anybody can write anything there
        # Whoever gave the right password, or signed up, is that person.
        them = on if outcome == "ok" and meant.kind.named_by == "username" else ""
        who = visit.who or them or events.NOBODY
        # A page that nobody has asked for as somebody leads to the log-in.
        led = handler.request.method == "GET" and (who, outcome) == (events.NOBODY, "ok")
        done = what != "server.access" or (status == HTTPStatus.FOUND and "server" in more)
        if done and not led:
            events.tell(what, on=on, who=who, result=outcome, **more)
    visit.open = False


def result(handler: BaseHandler, what: str) -> str:
    """`ok`, or the HTTP status and what it is called."""
    status = handler.get_status()
    if what == "login" and status < HTTPStatus.MULTIPLE_CHOICES:
        return "refused"  # JupyterHub's own page answers 200 to some failures
    if status < HTTPStatus.BAD_REQUEST:
        return "ok"
    names = {429: "throttled", 403: "refused", 400: "refused", 409: "refused", 401: "refused"}
    return f"{names.get(status, 'failed')} ({status})"


def sent(handler: BaseHandler) -> dict[str, Any]:
    """What a form or a body of JSON says; only what `kinds` names is ever told of it."""
    # Tornado refuses what is no text; whoever sends that must not be left out for it.
    form: dict[str, Any] = {
        name: given[-1].decode(errors="replace")
        for name, given in handler.request.arguments.items()
    }
    # The API reads JSON whatever it is said to be (jupyterhub 6.1, get_json_body), pages never do.
    if handler.request.path.startswith(f"{handler.hub.base_url}api/"):
        try:
            found = json.loads(handler.request.body.strip())
        except (ValueError, RecursionError):
            return form
        form |= found if isinstance(found, dict) else {}
    return form


def _fields(meant: Meant, form: dict[str, Any]) -> dict[str, Any]:
    found = {name: form[name] for name in meant.kind.fields if form.get(name) not in (None, "")}
    return {_RENAMED.get(name, name): value for name, value in found.items()}


_RENAMED = {"name": "new_name", "what": "kind"}
"""What a field is called in an entry, which has a meaning of its own for its name."""


def _parts(meant: Meant) -> dict[str, Any]:
    return {key: text for key, text in meant.parts.items() if key not in ("on", "action")}


def _whose(handler: BaseHandler, meant: Meant, form: dict[str, Any], visit: Visit) -> Any:
    """On whom. What somebody typed as a name is told only when it is one: it may be a password."""
    if "on" in meant.parts:
        return meant.parts["on"]
    if meant.kind.own:
        return visit.who
    given = form.get(meant.kind.named_by) if meant.kind.named_by else ""
    if isinstance(given, list):
        return [one for one in given if isinstance(one, str) and is_known(handler, one)]
    name = handler.authenticator.normalize_username(str(given)) if given else ""
    return name if name and is_known(handler, name) else ""


def is_known(handler: BaseHandler, name: str) -> bool:
    """Whether there is a user or an account of this name."""
    accounts = getattr(handler.authenticator, "accounts", None)
    known = accounts is not None and accounts.find(name) is not None
    return known or orm.User.find(handler.db, name) is not None


def _visits(address: Address) -> None:
    """Give each request its id and language, and find out who asks from where."""

    @upstream.around(BaseHandler, "prepare")
    async def prepared(prepare: Any, self: Any) -> None:
        visit = Visit(tracing.request_id(self.request.headers.get(tracing.HEADER)))
        tracing.current.set(visit)
        self.visit = visit
        self.set_header(tracing.HEADER, visit.id)
        try:
            if _meant(self) is not None:
                visit.address = await address(self)
            languages.begin(self)
            await prepare(self)
        finally:
            visit.who = _asks(self)
            if _meant(self) is not None and "oauth2/authorize" in self.request.path:
                _access(self, visit)


def _asks(handler: Any) -> str:
    """Who asks: a person, or a service of the platform."""
    found = getattr(handler, "_jupyterhub_user", None)
    name = getattr(found, "name", "") or ""
    return f"service {name}" if getattr(found, "kind", "") == "service" else str(name)


def _access(handler: Any, visit: Visit) -> None:
    """Somebody is let into a server of somebody else."""
    found = orm.OAuthClient
    client = handler.db.query(found).filter_by(identifier=handler.get_argument("client_id", ""))
    spawner = (one := client.first()) and one.spawner
    if spawner is not None and visit.who and spawner.user.name != visit.who:
        visit.more |= {"on": spawner.user.name, "server": spawner.name}


def _log_ins() -> None:
    """Tell each session that begins, of whichever authenticator."""

    @upstream.around(BaseHandler, "login_user")
    async def told_of(login: Any, self: Any, data: Any = None) -> Any:
        user = await login(self, data)
        if user is not None:
            visit = getattr(self, "visit", None)
            if visit is not None:
                visit.who = user.name
            events.tell("session.begin", on=user.name, who=user.name)
        return user


def _starts() -> None:
    """Tell what became of a start, which may take longer than its request."""

    @upstream.around(BaseHandler, "spawn_single_user")
    async def told_of(
        spawn: Any, self: Any, user: Any, server_name: str = "", *args: Any, **named: Any
    ) -> Any:
        spawner = user.spawners[server_name]
        before, visit, began = upstream.spawn_future(spawner), self.visit, time.time_ns()
        is_over = False

        who = tracing.cause.get() or visit.who

        def over(outcome: str) -> None:
            _started(user.name, server_name, visit, who, outcome)
            profile, stages = str(getattr(spawner, "child_profile", "")), spawner.stages.times
            traces.started(
                *(user.name, server_name, profile, visit),
                began=began,
                stages=stages,
                result=outcome,
            )

        try:
            await spawn(self, user, server_name, *args, **named)
            is_over = True
        finally:
            future = upstream.spawn_future(spawner)
            if future is not None and future is not before:
                future.add_done_callback(lambda done: over(_became(done)))
            elif is_over:  # JupyterHub forgets the future of a start that went well
                over("ok")


def _became(start: "asyncio.Future[Any]") -> str:
    """What became of a start that is over."""
    if start.cancelled():
        return "cancelled"
    if (error := start.exception()) is None:
        return "ok"
    # Its message may have lines of the server's own log in it.
    return f"failed ({getattr(error, 'reason', '') or type(error).__name__})"


def _started(name: str, server: str, visit: Visit, who: str, outcome: str) -> None:
    more = {"server": server, "from": visit.address, "request": visit.id}
    events.tell("server.started", on=name, who=who, result=outcome, **more)


def _stops() -> None:
    """Tell each end of a server, and by whom: a request goes on being its cause once answered,
    unless it was only the occasion for what has a cause of its own.
    """

    @upstream.around(BaseHandler, "stop_single_user")
    async def caused(stop: Any, self: Any, *args: Any, **named: Any) -> Any:
        token = tracing.cause.set(tracing.cause.get() or _asks(self))
        try:
            return await stop(self, *args, **named)
        finally:
            tracing.cause.reset(token)

    @upstream.around(User, "stop")
    async def told_of(end: Any, self: Any, server_name: str = "") -> Any:
        spawner = self.spawners[server_name]
        # What is cleared up after a start that failed is told by that start.
        start = upstream.spawn_future(spawner)
        failed = start and (not start.done() or start.cancelled() or start.exception())
        there = spawner.active and not failed
        try:
            return await end(self, server_name)
        finally:
            if there:
                why = str(getattr(spawner, "last_end", "")).partition("\n")[0]
                more = {"why": why} if why else {}
                events.tell("server.stopped", on=self.name, server=server_name, **more)
