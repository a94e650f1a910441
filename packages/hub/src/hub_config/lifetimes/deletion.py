"""What happens when a person is deleted: their servers end, their home is put aside.

Deleting a named server is none of this: the home is the person's, not the server's.
"""

from typing import Any

from hub_config.lifetimes import homes, more_time


async def stop_servers(user: Any, app: Any) -> None:
    """Stop all servers of `user` (JupyterHub's User object), named ones included.

    JupyterHub's own handler stops the one without a name only, and then fails half-way.
    """
    for name, spawner in list(user.spawners.items()):
        if spawner.active:
            await app.proxy.delete_user(user, name)
            await user.stop(name)


def keep_home(user: Any) -> None:
    """Put the home aside; called when the last of the user's servers is removed for good."""
    homes.put_aside(user.db, user.name)
    more_time.forget(user.db, user.name)
