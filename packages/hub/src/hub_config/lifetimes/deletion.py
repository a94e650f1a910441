"""What happens when a person is deleted: their servers end, their home is put aside.

Deleting a named server is none of this: the home is the person's, not the server's.
"""

import asyncio
from contextlib import suppress
from functools import wraps
from typing import Any

from jupyterhub.apihandlers.users import UserAPIHandler
from jupyterhub.scopes import needs_scope

from hub_config.lifetimes import homes, times
from hub_config.runtime import upstream

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
    await proxy.delete_user(user, name)
    await user.stop(name)


def keep_home(user: Any) -> None:
    """Put the home aside; called when the last of the user's servers is removed for good."""
    homes.put_aside(user.db, user.id)
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
