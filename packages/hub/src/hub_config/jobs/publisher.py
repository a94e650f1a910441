"""Keeps published applications running: looks at all of them every minute and when somebody asks,
as `runner` does at runs, and starts and ends their servers.
"""

import asyncio
from enum import StrEnum
from typing import Any

from jupyterhub import orm

from hub_config import tracing
from hub_config.audit import events
from hub_config.jobs import app_rows, rows
from hub_config.jobs.app_rows import AppRow
from hub_config.jobs.tasks import (
    Tasks,
    end_server,
    is_cancelled,
    may_run,
    remove_server,
    start_server,
    words_of,
)
from hub_config.told import Refusal


class Step(StrEnum):
    """What to do about an application."""

    NOTHING = "nothing"
    START = "start"
    END = "end"
    STOPPED = "stopped"


def step(*, wanted: bool, let_be: bool, up: bool, active: bool, ready: bool) -> Step:
    """What to do now. One that was up, and whose server is gone without having been seen to end by
    itself, was stopped by somebody: it stays so until its person starts it again.
    """
    if ready and not wanted:
        return Step.END
    if not active and up:
        return Step.STOPPED
    if not active and wanted and not let_be:
        return Step.START
    return Step.NOTHING


class State(StrEnum):
    """How an application is, for its person."""

    RUNNING = "running"
    STARTING = "starting"
    STOPPING = "stopping"
    AGAIN = "again"
    STOPPED = "stopped"
    OVER = "over"


CAN_START, CAN_STOP = (State.AGAIN, State.STOPPED), (State.RUNNING, State.STARTING, State.AGAIN)
"""States in which to start or stop it changes anything."""


def state(*, over: bool, paused: bool, failed: bool, pending: str | None, ready: bool) -> State:
    """What it is now. `over`: its time is, or the operator permits it no longer; `pending` is what
    its server is being brought to, as JupyterHub says it (spawner.py).
    """
    if pending == "stop" or (ready and (over or paused)):
        return State.STOPPING
    if ready:
        return State.RUNNING
    if over or paused:
        return State.OVER if over else State.STOPPED
    return State.AGAIN if failed and pending is None else State.STARTING


class Publisher:
    """One for the whole hub."""

    def __init__(self, most: int, widest: str) -> None:
        """`most` is how many each person may have, `widest` who may open one at most."""
        self.most, self.widest = most, widest
        self.is_on = most > 0 and widest != "nobody"
        self.tasks = Tasks()

    async def look(self, handler: Any) -> None:
        """Look at all of them and begin what has to be done; returns at once."""
        for app in AppRow.all(handler.db):
            if (user := app.user(handler)) is None:
                handler.db.delete(app)
                handler.db.commit()
            elif not self.tasks.at(app.id):
                await self._look_at(handler, app, user)

    async def _look_at(self, handler: Any, app: AppRow, user: Any) -> None:
        spawner = user.spawners[app.server] if app.server in user.orm_spawners else None
        wanted = self.wanted(app) and await may_run(handler.authenticator, user)
        ready = bool(spawner and spawner.ready)
        if ready and wanted and app_rows.runs(app):
            handler.db.commit()
        match step(
            wanted=wanted,
            let_be=app.retry is not None and app.retry > rows.now(),
            up=app.up,
            active=bool(spawner and spawner.active),
            ready=ready,
        ):
            case Step.START:
                self.tasks.begin(app.id, self._start(handler, app, user))
            case Step.END:
                self.tasks.begin(app.id, self._end(handler, app, user))
            case Step.STOPPED:
                app.up, app.paused = False, True
                handler.db.commit()

    def wanted(self, app: AppRow) -> bool:
        """Whether it should run, as far as its person and the operator are concerned."""
        return self.is_on and not self.is_over(app) and not app.paused

    def is_over(self, app: AppRow) -> bool:
        """Whether its days are over, or the operator no longer lets so many open it."""
        return app.until <= rows.now() or not app_rows.permitted(app.audience, self.widest)

    async def _start(self, handler: Any, app: AppRow, user: Any) -> None:
        tracing.cause.set("published application")
        try:
            await start_server(handler, user, app)
        except (Exception, asyncio.CancelledError) as error:  # whatever keeps it from coming up
            if is_cancelled(error) or app.paused:
                app.paused = True
                handler.db.commit()
                return
            said = words_of(error)
            app_rows.has_failed(app, said if isinstance(error, Refusal) else f"{said}\n{app.words}")
        else:
            app.up = True
        handler.db.commit()

    async def _end(self, handler: Any, app: AppRow, user: Any) -> None:
        app.up = False
        handler.db.commit()
        await end_server(handler, user, app.server)

    # -- what people ask for -------------------------------------------------------------------

    async def pause(self, handler: Any, app: AppRow, user: Any) -> None:
        """End it, until it is started again."""
        app.paused = True
        handler.db.commit()
        await self._end(handler, app, user)
        await self.tasks.over(app.id)

    async def remove(self, handler: Any, app: AppRow, user: Any) -> None:
        """End it and forget it, its server and who may open it."""
        await self.pause(handler, app, user)
        remove_server(handler.db, user, app.server)
        handler.db.delete(app)
        handler.db.commit()

    def let_in(self, handler: Any, app: AppRow, owner: Any, visitor: Any) -> None:
        """Have JupyterHub let the visitor into the server: members of a group by their group, so
        that who leaves it has no way in any more.
        """
        if visitor.id == app.user_id:
            return
        group = app.audience.partition(":")[2]
        whom = orm.Group.find(handler.db, group) if group else visitor.orm_user
        spawner = owner.orm_spawners[app.server]
        if orm.Share.find(handler.db, spawner, whom) is None:
            orm.Share.grant(handler.db, spawner, whom)
            events.tell("app.open", on=owner.name, app=app.name)
