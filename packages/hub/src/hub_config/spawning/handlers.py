"""JupyterHub's handlers where people would read less than there is to say: wrapped."""

import asyncio
from functools import wraps
from typing import Any

from jupyterhub.handlers.base import BaseHandler
from tornado.web import HTTPError

from hub_config.spawning.container import server_names

CANCELLED = "The start was cancelled."


def explain() -> None:
    """Have JupyterHub give reasons."""
    _names()
    _cancelled_starts()


def _names() -> None:
    """Say what a server's name has to look like, where JupyterHub only says `Invalid`; and refuse
    names that are paths of the person's other server.
    """
    check = BaseHandler._check_named_server_request

    @wraps(check)
    async def with_reason(self: Any, user: Any, server_name: str, *args: Any, **kwargs: Any) -> Any:
        # One that is there already, from before there was this rule, may go on.
        if server_name not in user.orm_spawners and (why := server_names.complaint(server_name)):
            raise HTTPError(400, why)
        return await check(self, user, server_name, *args, **kwargs)

    BaseHandler._check_named_server_request = with_reason


def _cancelled_starts() -> None:
    """Tell whoever asked for a start that somebody cancelled it: JupyterHub lets the cancellation
    through, which ends as a 500 with a traceback.
    """
    spawn = BaseHandler.spawn_single_user

    @wraps(spawn)
    async def told(self: Any, *args: Any, **kwargs: Any) -> Any:
        task = asyncio.current_task()
        try:
            return await spawn(self, *args, **kwargs)
        except asyncio.CancelledError:
            if task is None or task.cancelling():
                raise
            # The page that started it may have gone on to the progress: then nobody asks.
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
            raise HTTPError(409, CANCELLED) from None

    BaseHandler.spawn_single_user = told
