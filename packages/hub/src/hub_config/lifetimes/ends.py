"""When a server ends, and what is to be done about it now. Pure; all times are aware datetimes."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Verdict(StrEnum):
    """What to do with a server."""

    KEEP = "keep"
    WARN = "warn"
    STOP = "stop"


@dataclass(frozen=True)
class Limits:
    """The operator's settings, in seconds; 0 for `idle_timeout` or `max_age` means never.

    `more_time_cap` is how much longer than `idle_timeout` a person may have an idle server left
    alone; 0: nobody may ask for more.
    """

    idle_timeout: int = 3600
    warning_time: int = 600
    more_time_cap: int = 28800
    max_age: int = 0

    @property
    def warning(self) -> int:
        """How long before the end people are told: at most half of the time there is."""
        shortest = min((time for time in (self.idle_timeout, self.max_age) if time), default=0)
        return min(self.warning_time, shortest // 2)

    @property
    def interval(self) -> int:
        """How often activity is reported and judged, in seconds."""
        return max(1, min(60, self.idle_timeout // 20)) if self.idle_timeout else 60


@dataclass(frozen=True)
class Server:
    """What is known of a running server.

    `asked_until` is until when its person wants it left alone, None when they did not ask.
    """

    user: str
    name: str
    started: datetime
    last_activity: datetime
    asked_until: datetime | None = None


@dataclass(frozen=True)
class End:
    """When a server ends as things are, and whether its person can put that off."""

    when: datetime
    because_of_age: bool = False


def end(server: Server, limits: Limits) -> End | None:
    """When the server ends if nothing happens; None: it goes on."""
    ends = []
    idle = _idle_end(server, limits)
    if idle is not None:
        ends.append(End(idle))
    if limits.max_age:
        ends.append(End(server.started + timedelta(seconds=limits.max_age), because_of_age=True))
    return min(ends, key=lambda one: one.when, default=None)


def _idle_end(server: Server, limits: Limits) -> datetime | None:
    if not limits.idle_timeout:
        return None
    plain = server.last_activity + timedelta(seconds=limits.idle_timeout)
    asked = server.asked_until or plain
    return max(plain, min(asked, plain + timedelta(seconds=limits.more_time_cap)))


def judge(now: datetime, server: Server, limits: Limits) -> Verdict:
    """What to do with the server now."""
    ends = end(server, limits)
    if ends is None:
        return Verdict.KEEP
    left = (ends.when - now).total_seconds()
    if left <= 0:
        return Verdict.STOP
    return Verdict.WARN if left <= limits.warning else Verdict.KEEP


def more_time(server: Server, limits: Limits) -> datetime | None:
    """Until when the server is left alone if its person asks for more time now.

    One more idle time, up to the cap; None when there is no more to be had.
    """
    now_until = _idle_end(server, limits)
    if now_until is None:
        return None
    plain = server.last_activity + timedelta(seconds=limits.idle_timeout)
    cap = plain + timedelta(seconds=limits.more_time_cap)
    wanted = min(now_until + timedelta(seconds=limits.idle_timeout), cap)
    return wanted if wanted > now_until else None


def due(now: datetime, servers: Iterable[Server], limits: Limits) -> list[Server]:
    """The servers to be stopped now."""
    return [server for server in servers if judge(now, server, limits) is Verdict.STOP]
