"""When a server ends, and what stops those whose time is over, in the keeper's process. All times
are aware datetimes.

jupyterhub-idle-culler knows no more than the last activity: no wish for more time, no warning. What
it does beyond that is a request to stop, so this takes its place.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import quote

import aiohttp


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


log = logging.getLogger("lifetimes")

INTERVAL = "JUPYTERHUB_ACTIVITY_INTERVAL"
"""The variable, of the keeper and of servers, with how often activity is told (seconds)."""

PATIENCE = 3
"""Intervals after its start, and after a time without it, before anything is stopped: a hub
that was away knows only old activity until the servers have reported again."""

PARALLEL = 8
"""Servers that are stopped at the same time."""

Ask = Callable[[str, str], Awaitable[Any]]
"""Sends a request with this method to this path of the hub's API; returns the parsed answer."""


async def stop_due(ask: Ask) -> None:
    """Ask once for the servers whose time is over, and stop them."""
    limit = asyncio.Semaphore(PARALLEL)

    async def stop(due: dict[str, str]) -> None:
        user, name = quote(due["user"], safe=""), quote(due["name"], safe="")
        async with limit:
            # Judged once more: whoever was asked for more time while others were stopped has it.
            told = await ask("GET", f"lifetimes/{user}/{name}")
            if told["verdict"] == Verdict.STOP:
                log.info("Stopping %s's server %r, whose time is over", due["user"], due["name"])
                await ask("DELETE", f"users/{user}/servers/{name}")

    await asyncio.gather(*(quietly(stop(due)) for due in await ask("GET", "lifetimes")))


async def quietly(asked: Awaitable[Any]) -> None:
    """Await it; a hub that does not do as asked is asked again at the next time."""
    try:
        await asked
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        log.warning("The hub did not do as asked: %s", error)


async def run(interval: int, ask: Ask) -> None:
    """For ever."""
    await asyncio.sleep(PATIENCE * interval)
    while True:
        await quietly(stop_due(ask))
        await quietly(ask("POST", "homes/purge"))
        await until_next(interval)


def _now() -> datetime:
    return datetime.now(UTC)


async def until_next(
    interval: int,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    clock: Callable[[], datetime] = _now,
) -> None:
    """Wait until it is to be asked again.

    A machine that slept meanwhile, or was too busy for this process, was so for the servers too:
    they are given the time to report, as at the start.
    """
    before = clock()
    await sleep(interval)
    if (clock() - before).total_seconds() > 2 * interval:
        log.info("This machine was asleep or very busy: servers are judged once they reported")
        await sleep(PATIENCE * interval)
