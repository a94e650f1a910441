"""How long a server may be idle, as the hub told it at its start, and what that means now. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any


@dataclass(frozen=True)
class Limits:
    """All in seconds.

    `idle_timeout` 0: never stopped for being idle; `warning` is how long before the end people are
    told; `interval` is how often activity is looked for and reported.
    """

    idle_timeout: int = 0
    warning: int = 0
    interval: int = 60

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Limits:
        """From the variables the hub's spawner sets."""
        return cls(
            int(environ.get("JHUB_IDLE_TIMEOUT") or 0),
            int(environ.get("JHUB_WARNING_TIME") or 0),
            int(environ.get("JUPYTERHUB_ACTIVITY_INTERVAL") or 60),
        )

    def until_end(
        self, now: datetime, last_activity: datetime, said: Mapping[str, Any] | None = None
    ) -> float | None:
        """Seconds until the server is stopped if nothing happens, None when it never is.

        `said` is what the hub answered last: it knows of wishes for more time and of the oldest
        age, and not of what happened since.
        """
        ends = []
        if self.idle_timeout:
            ends.append(last_activity + timedelta(seconds=self.idle_timeout))
        if said and said.get("ends"):
            ends.append(datetime.fromisoformat(said["ends"]))
        if not ends:
            return None
        helps = not said or said.get("activity_helps", True)
        when = max(ends) if helps else min(ends)
        return max(0.0, (when - now).total_seconds())

    def until_warning(self, now: datetime, last_activity: datetime) -> float | None:
        """Seconds until people are to be told, 0 when that time has come, None when never."""
        if not self.idle_timeout:
            return None
        when = last_activity + timedelta(seconds=self.idle_timeout - self.warning)
        return max(0.0, (when - now).total_seconds())
