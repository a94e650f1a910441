"""When servers end: the decision, and the process that acts on it."""

import asyncio
import inspect
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from jupyterhub.proxy import ConfigurableHTTPProxy
from tornado import web

from hub_config.lifetimes import ends, times, why
from hub_config.lifetimes.ends import Limits, Server, Verdict
from hub_config.lifetimes.times import RoutesProxy

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
LIMITS = Limits(idle_timeout=3600, warning_time=600, more_time_cap=7200)


def server(*, idle: int, age: int = 100_000, asked: int | None = None) -> Server:
    """Times in seconds: idle since, running since, asked to be left alone from now."""
    return Server(
        "ann",
        "",
        NOW - timedelta(seconds=age),
        NOW - timedelta(seconds=idle),
        None if asked is None else NOW + timedelta(seconds=asked),
    )


@pytest.mark.parametrize(
    ("idle", "verdict"),
    [
        (0, Verdict.KEEP),
        (2999, Verdict.KEEP),
        (3000, Verdict.WARN),
        (3599, Verdict.WARN),
        (3600, Verdict.STOP),
    ],
)
def test_an_idle_server_is_warned_about_and_then_stopped(idle: int, verdict: Verdict) -> None:
    assert ends.judge(NOW, server(idle=idle), LIMITS) is verdict


def test_who_asked_for_more_time_gets_it() -> None:
    assert ends.judge(NOW, server(idle=3600, asked=1000), LIMITS) is Verdict.KEEP


def test_nobody_gets_more_than_the_cap() -> None:
    assert ends.judge(NOW, server(idle=3600 + 7200, asked=1000), LIMITS) is Verdict.STOP


def test_asking_adds_one_idle_time_until_the_cap() -> None:
    asking = server(idle=3000)
    granted = []
    while (until := ends.more_time(asking, LIMITS)) is not None:
        asking = replace(asking, asked_until=until)
        granted.append((until - NOW).total_seconds())
    assert granted == [4200, 7800]


def test_activity_makes_room_for_asking_again() -> None:
    at_cap = server(idle=3600, asked=7200)
    assert ends.more_time(at_cap, LIMITS) is None
    assert ends.more_time(replace(at_cap, last_activity=NOW), LIMITS) is not None


def test_no_more_time_where_the_operator_gives_none() -> None:
    assert ends.more_time(server(idle=0), replace(LIMITS, more_time_cap=0)) is None


def test_the_oldest_age_ends_a_busy_server_too() -> None:
    limits = replace(LIMITS, max_age=5000)
    assert ends.judge(NOW, server(idle=0, age=5000), limits) is Verdict.STOP
    assert ends.judge(NOW, server(idle=0, age=4500, asked=7000), limits) is Verdict.WARN


def test_why_a_server_counts_as_active_is_said_in_words() -> None:
    assert why.words("terminal: sleep") == "“sleep” runs in a terminal"
    assert why.words("kernel") == "a cell of a notebook runs"


def test_a_server_tells_why_it_counts_as_active(monkeypatch: pytest.MonkeyPatch) -> None:
    spawner, told = SimpleNamespace(), [{"why": "kernel"}, {"why": "mining"}, ["kernel"], None]
    handler = SimpleNamespace(
        find_user=lambda _: SimpleNamespace(spawners={"": spawner}),
        get_json_body=lambda: told.pop(0),
        set_status=lambda _: None,
    )
    monkeypatch.setattr(times, "find", lambda *_: server(idle=0))
    put = inspect.unwrap(times.ServerTimeHandler.put)
    put(handler, "ann")
    assert spawner.why_active == "a cell of a notebook runs"
    while told:
        with pytest.raises(web.HTTPError, match=r'Expected \{"why"'):
            put(handler, "ann")


@pytest.mark.parametrize("told", ["", "mining", "terminal: \x1b[31m"])
def test_what_is_no_reason_is_refused(told: str) -> None:
    with pytest.raises(ValueError, match="is no reason"):
        why.words(told)


def test_zero_is_never() -> None:
    assert ends.judge(NOW, server(idle=10**7), Limits(idle_timeout=0)) is Verdict.KEEP


def test_a_warning_takes_at_most_half_the_time() -> None:
    assert Limits(idle_timeout=60, warning_time=600).warning == 30


def test_the_service_stops_what_is_due_and_goes_on_when_one_cannot_be_stopped() -> None:
    deleted: list[str] = []

    async def ask(method: str, path: str) -> Any:
        if method == "DELETE":
            deleted.append(path)
            if "gone" in path:
                raise aiohttp.ClientError("404")
            return None
        if path.startswith("lifetimes/"):
            return {"verdict": "stop"}
        assert (method, path) == ("GET", "lifetimes")
        return [{"user": "ann", "name": "gone"}, {"user": "b/c", "name": "x y"}]

    asyncio.run(ends.stop_due(ask))
    assert deleted == ["users/ann/servers/gone", "users/b%2Fc/servers/x%20y"]


def test_what_the_proxy_takes_for_activity_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    async def routes(_self: ConfigurableHTTPProxy) -> dict[str, Any]:
        data = {"user": "ann", "server_name": "", "last_activity": "2030-01-01T12:00:00Z"}
        return {"/user/ann/": {"routespec": "/user/ann/", "target": "http://x", "data": data}}

    monkeypatch.setattr(ConfigurableHTTPProxy, "get_all_routes", routes)
    (route,) = asyncio.run(RoutesProxy.get_all_routes(RoutesProxy.__new__(RoutesProxy))).values()
    assert route["data"] == {"user": "ann", "server_name": ""}


@pytest.mark.parametrize(("slept", "waits"), [(60, [60]), (119, [60]), (7200, [60, 180])])
def test_after_the_machine_slept_servers_may_report_first(slept: int, waits: list[int]) -> None:
    clock, waited = iter([NOW, NOW + timedelta(seconds=slept)]), []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    asyncio.run(ends.until_next(60, sleep, lambda: next(clock)))
    assert waited == waits
