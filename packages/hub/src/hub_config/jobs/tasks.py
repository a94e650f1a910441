"""What runs and applications have in common: one thing at a time is done for each."""

import asyncio
import logging
from collections.abc import Coroutine
from http import HTTPStatus
from typing import Any

from tornado import web

from hub_config import upstream
from hub_config.jobs.rows import Owned

log = logging.getLogger("runs")


class Tasks:
    """What is being done, by whatever it is done for."""

    def __init__(self) -> None:
        self._at: dict[int, asyncio.Task[None]] = {}

    def at(self, key: int) -> bool:
        """Whether something is being done for it."""
        return key in self._at

    def begin(self, key: int, doing: Coroutine[Any, Any, None]) -> None:
        """Have it done, unless something is."""
        if key in self._at:
            doing.close()
            return
        self._at[key] = task = asyncio.ensure_future(doing)
        task.add_done_callback(lambda done: self._over(key, done))

    def _over(self, key: int, done: "asyncio.Task[None]") -> None:
        del self._at[key]
        if not done.cancelled() and (error := done.exception()) is not None:
            log.error("A run or an application could not be seen to", exc_info=error)

    async def over(self, key: int) -> None:
        """Return when nothing is being done for it."""
        if (task := self._at.get(key)) is not None:
            await asyncio.wait([task])


async def may_run(authenticator: Any, user: Any) -> bool:
    """Whether the person may have anything run: not who is disabled or was never approved. Where
    another service knows the people, those who are still here may.
    """
    return not hasattr(authenticator, "accounts") or bool(await authenticator.refresh_user(user))


def is_cancelled(error: BaseException) -> bool:
    """Whether somebody cancelled a start (`spawning.servers`). Raises `error` again where it is the
    hub that ends.
    """
    if isinstance(error, asyncio.CancelledError):
        if (task := asyncio.current_task()) is not None and task.cancelling():
            raise error
        return True
    return isinstance(error, web.HTTPError) and error.status_code == HTTPStatus.CONFLICT


async def start_server(handler: Any, user: Any, row: Owned) -> None:
    """Start its server, and return when that is over. Raises whatever keeps it from coming up."""
    spawner = user.get_or_create_spawner(row.server, "", replace_failed=True)
    await handler.spawn_single_user(user, row.server, options={"profile": row.profile})
    if (starting := upstream.spawn_future(spawner)) is not None:
        await starting


def words_of(error: BaseException) -> str:
    """What people are told of it."""
    return str(getattr(error, "jupyterhub_message", "") or error)


async def end_server(handler: Any, user: Any, server: str) -> None:
    """End a server, also one that is just being started, and return when it is gone."""
    if server not in user.orm_spawners or not (spawner := user.spawners[server]).active:
        return
    if (starting := upstream.spawn_future(spawner)) is not None:
        starting.cancel()
    await handler.stop_single_user(user, server)
    if (stopping := upstream.stop_future(spawner)) is not None:
        await stopping


def remove_server(db: Any, user: Any, server: str) -> None:
    """Forget a server that does not run; also who was let into it."""
    if (record := user.orm_spawners.get(server)) is not None:
        user.spawners.pop(server, None)
        db.delete(record)
        db.commit()
