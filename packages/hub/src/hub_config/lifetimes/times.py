"""The running servers as `ends` judges them, from JupyterHub's own records."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from hub_config.lifetimes import ends, more_time


def running(db: Any, users: Iterable[Any]) -> Iterator[ends.Server]:
    """The servers of `users` (JupyterHub's User objects) that run; `db` is the hub's session."""
    for user in users:
        for name, spawner in user.spawners.items():
            record = spawner.orm_spawner
            if spawner.ready and record.started:
                started = more_time.aware(record.started)
                last = more_time.aware(record.last_activity or record.started)
                asked = more_time.asked_until(db, user.name, name, started)
                yield ends.Server(user.name, name, started, max(last, started), asked)


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
        """One dictionary per server: `name`, `title` (what its person called it) and what `answer`
        says. Empty for nobody.
        """
        if user is None or not hasattr(user, "spawners"):
            return []
        return [
            {
                "name": server.name,
                "title": user.spawners[server.name].display_name or server.name,
                **answer(server, self.limits),
            }
            for server in running(user.db, [user])
        ]
