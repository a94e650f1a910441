"""All servers of a person, as JupyterHub's handlers have to treat them: what a further one may be
called, with which tokens they speak to the hub, starts that somebody cancelled or that come twice,
and the end of all of them with their person. Deleting a named server is no such end: the home is
the person's.
"""

import asyncio
from collections.abc import Collection
from contextlib import suppress
from functools import wraps
from http import HTTPStatus
from typing import Any

from jupyterhub import orm
from jupyterhub.apihandlers.users import UserAPIHandler
from jupyterhub.handlers.base import BaseHandler
from jupyterhub.handlers.pages import SpawnHandler
from jupyterhub.scopes import needs_scope
from jupyterhub.slugs import is_valid_safe_slug
from sqlalchemy.orm import Session
from tornado.web import HTTPError

from hub_config import counted, names, upstream
from hub_config.jobs import rows
from hub_config.lifetimes import homes, times
from hub_config.offer.cards import shown
from hub_config.spawning import strayed

RULE = (
    "it takes 1 to 30 characters, small letters a-z, digits and single hyphens, beginning with a "
    "letter and not ending with a hyphen"
)
"""jupyterhub 6.1, slugs.py, is_valid_safe_slug; such a name is safe in all names made from it."""

ROUTES = frozenset(
    {
        "api", "consoles", "custom", "dask", "doc", "edit", "files", "git", "hub", "jhub-activity",
        "jhub-published", "kernelspecs", "lab", "login", "logout", "lsp", "mermaid", "metrics",
        "nbclassic", "nbconvert", "nbdime", "nbextensions", "notebooks", "oauth", "proxy",
        "server-proxy", "services", "static", "terminals", "tree", "user", "user-redirect",
        "view", "voila",
    }
)  # fmt: skip
"""First parts of paths that Jupyter's servers and their usual extensions answer: a server of that
name would take those of the person's server without a name (`/user/ann/api/…`). What an image has
beside them it declares; an image test holds both against the routes that are there."""


def name_complaint(name: str, routes: Collection[str] = ()) -> str:
    """Why a server cannot be called so, and what it could be called; empty when it can.

    `routes` are those of the images on offer.
    """
    if not is_valid_safe_slug(name):
        return f"{shown(name)} cannot be a server's name: {RULE}."
    if name in ROUTES or name in routes:
        return (
            f"{shown(name)} cannot be a server's name, since it is a path of servers: call it "
            f"{name}-2, for example."
        )
    return ""


TOKEN_KEY = "token_id"  # noqa: S105  a key
"""In a spawner's state."""


def token_number(db: Session, token: str) -> int | None:
    """The number of `token` in the database, None when it is not there."""
    found = orm.APIToken.find(db, token) if token else None
    return None if found is None else int(found.id)


def server_tokens(user: orm.User) -> set[int]:
    """The numbers of the tokens of all servers of `user`."""
    noted = ((spawner.state or {}).get(TOKEN_KEY) for spawner in user.orm_spawners.values())
    return {token for token in noted if token is not None}


ENOUGH = 20.0
"""Seconds a cancelled start may take to be over; it takes milliseconds."""


async def stop_servers(user: Any, app: Any) -> None:
    """Stop all servers of `user` (JupyterHub's User object), named and starting ones included.

    `app` has JupyterHub's proxy. JupyterHub's own handler stops the one without a name only, and
    then fails half-way.
    """
    active = [name for name, spawner in user.spawners.items() if spawner.active]
    # At the same time: four slow ones take as long as one.
    await asyncio.gather(*(_stop(user, app.proxy, name) for name in active))


async def _stop(user: Any, proxy: Any, name: str) -> None:
    spawner = user.spawners[name]
    if (stopping := upstream.stop_future(spawner)) is not None:
        with suppress(Exception):
            await asyncio.shield(stopping)
        return
    if (starting := upstream.spawn_future(spawner)) is not None and not starting.done():
        # Otherwise it would go on, and make a home of nobody.
        starting.cancel()
        await asyncio.wait([starting], timeout=ENOUGH)
    counted.SERVERS_ENDED.labels(counted.SOMEBODY).inc()
    await proxy.delete_user(user, name)
    await user.stop(name)


def keep_home(user: Any) -> None:
    """Put the home aside; called when the last of the user's servers is removed for good."""
    homes.put_aside(user.db, user.id)
    rows.forget(user.db, user.id)
    times.forget(user.db, user.name)


def stop_before_deletion() -> None:
    """Have JupyterHub delete people whose servers are slow to stop.

    Its handler waits ten seconds for the one without a name and then answers 400.
    """
    delete = UserAPIHandler.delete

    @wraps(delete)
    @needs_scope("delete:users")
    async def patiently(self: Any, user_name: str) -> None:
        user = self.find_user(user_name)
        if user is not None and user.name != self.current_user.name:
            await stop_servers(user, self)
        await delete(self, user_name)

    UserAPIHandler.delete = patiently


CANCELLED = "The start was cancelled."


def explain() -> None:
    """Have JupyterHub give reasons."""
    _names()
    _cancelled_starts()
    _starts_that_come_twice()
    _stops()
    strayed.lead()


def _names() -> None:
    """Say what a server's name has to look like, where JupyterHub only says `Invalid`; and refuse
    names that are paths of the person's other server.
    """

    @upstream.around(BaseHandler, "_check_named_server_request")
    async def with_reason(
        check: Any, self: Any, user: Any, server_name: str, *args: Any, **kwargs: Any
    ) -> Any:
        if names.is_job(server_name):
            why = f"{shown(server_name)} cannot be a server's name: it is one of a run or an app."
        elif server_name in user.orm_spawners:
            why = ""  # from before there was this rule: it may go on
        else:
            why = name_complaint(server_name, await user.spawner.routes_of_images())
        if why:
            raise HTTPError(400, why)
        if any(map(names.is_job, user.orm_spawners)):
            # They are none of the servers that somebody may have a few of.
            own = [name for name in user.orm_spawners if name and not names.is_job(name)]
            if len(own) < await self.get_current_user_named_server_limit():
                kwargs["check_limit"] = False
        return await check(self, user, server_name, *args, **kwargs)


def _cancelled_starts() -> None:
    """Tell whoever asked for a start that somebody cancelled it: JupyterHub lets the cancellation
    through, which ends as a 500 with a traceback.
    """

    @upstream.around(BaseHandler, "spawn_single_user")
    async def told(spawn: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        task = asyncio.current_task()
        try:
            return await spawn(self, *args, **kwargs)
        except asyncio.CancelledError:
            if task is None or task.cancelling():
                raise
            # The page that started it may have gone on to the progress: then nobody asks.
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
            raise HTTPError(409, CANCELLED) from None


def _starts_that_come_twice() -> None:
    """Lead whoever sends the form of a start again to the start that is under way.

    A browser may send it twice by itself, by HTTP/2 on a connection that ends (RFC 9113, 8.7), and
    JupyterHub answers the second with a 400, which is what people then see.
    """

    @upstream.around(SpawnHandler, "_post")
    async def once(
        begin: Any, self: Any, user_name: str, server_name: str, *more: Any, **named: Any
    ) -> Any:
        try:
            return await begin(self, user_name, server_name, *more, **named)
        except HTTPError as error:
            user = (
                self.find_user(user_name) if error.status_code == HTTPStatus.BAD_REQUEST else None
            )
            spawner = user.spawners.get(server_name) if user else None
            if spawner is None or not _begun(spawner):
                raise
            return self.redirect(self._get_pending_url(user, server_name))

    @upstream.around(SpawnHandler, "_wrap_spawn_single_user")
    async def only_once(
        wait: Any, self: Any, user: Any, server: str, name: str, spawner: Any, url: str, *more: Any
    ) -> Any:
        if _begun(spawner):  # while the form of this one was read
            return self.redirect(url)
        return await wait(self, user, server, name, spawner, url, *more)


def _begun(spawner: Any) -> bool:
    return bool(spawner.ready or spawner.pending == "spawn")


def _stops() -> None:
    """Have a stop wait until the start that it cancelled is over, and a second one for the first:
    JupyterHub gives the start a second, too little on a busy machine, and answers both with a 500.
    """

    @upstream.around(BaseHandler, "stop_single_user")
    async def patiently(stop: Any, self: Any, user: Any, server_name: str = "") -> Any:
        spawner = user.spawners[server_name]
        starting = upstream.spawn_future(spawner)
        if starting is not None and starting.cancelling():
            await asyncio.wait([starting], timeout=ENOUGH)
        if (stopping := upstream.stop_future(spawner)) is not None:
            return stopping
        counted.SERVERS_ENDED.labels(_by(getattr(self, "current_user", None))).inc()
        return await stop(self, user, server_name)


def _by(requester: Any) -> str:
    """Who ends a server, for the metrics: the service that judges servers' times, or a person."""
    service = isinstance(requester, orm.Service) and requester.name == counted.LIFETIMES
    return counted.LIFETIMES if service else counted.SOMEBODY
