"""Servers are looked at once, whoever asks and however many do."""

import asyncio
import threading

import pytest

from hub_config.runtime import meter
from hub_config.runtime.interface import Container, Usage
from hub_config.runtime.meter import AGAIN, AT_A_TIME, LOOKS, OLD, Meter, Seen

from .fake_engine import PLATFORM, FakeEngine, fake_runtime

MANY = 100
PATIENCE = 60.0


def servers(engine: FakeEngine) -> None:
    """Many that run."""
    for number in range(MANY):
        labels = {"io.jhub-docker.platform": PLATFORM, "io.jhub-docker.user": f"person-{number}"}
        engine._add(f"jupyter-{number}", labels, {}, "running")


@pytest.fixture
def engine() -> FakeEngine:
    made = FakeEngine()
    servers(made)
    return made


def test_cpu_is_what_two_looks_differ_by() -> None:
    seen = Seen()
    assert seen.cpu is None
    seen.look(Usage(100.0, 0, 5.0, 1), 0.0)
    assert seen.cpu is None
    seen.look(Usage(102.0, 0, 8.0, 1), 2.0)
    assert seen.cpu == 1.5
    seen.look(Usage(102.0 + OLD, 0, 9.0, 1), 90.0)
    assert seen.cpu is None
    seen.look(None, 95.0)
    assert seen.cpu is None


def test_who_looks_again_and_again_causes_looks_that_do_not_grow_with_everybody(
    engine: FakeEngine,
) -> None:
    now = 0.0

    async def go() -> None:
        nonlocal now
        runtime = fake_runtime(engine)
        one = Meter(lambda: runtime, lambda: now)
        everybody = (await runtime.view()).containers
        # Admins on the page Now, and each person on the own page.
        pages = [everybody, everybody, *((each,) for each in everybody)]
        seconds = 30
        while now < seconds:
            now += 1
            await asyncio.gather(*(one.look(some, one.lasts, PATIENCE) for some in pages))
        assert MANY <= engine.calls.count("stats") <= LOOKS * seconds
        assert all(one.seen(each).usage for each in everybody)

    asyncio.run(go())


def test_of_an_engine_that_hangs_few_calls_wait_and_nobody_for_long(engine: FakeEngine) -> None:
    go_on = threading.Event()

    def hang(_: str) -> None:
        assert go_on.wait(PATIENCE)

    async def go() -> None:
        runtime = fake_runtime(engine)
        one = Meter(lambda: runtime)
        everybody = (await runtime.view()).containers
        engine.at = hang
        for _ in range(10):
            await one.look(everybody, AGAIN, 0.01)
        assert not any(one.seen(each).usage for each in everybody)
        assert engine.calls.count("stats") <= AT_A_TIME
        go_on.set()
        await one.look(everybody, AGAIN, PATIENCE)
        assert all(one.seen(each).usage for each in everybody)
        assert engine.calls.count("stats") == MANY

    try:
        asyncio.run(go())
    finally:
        go_on.set()


def test_what_is_gone_meanwhile_or_too_old_says_nothing(engine: FakeEngine) -> None:
    now = 0.0

    async def go() -> None:
        nonlocal now
        runtime = fake_runtime(engine)
        one = Meter(lambda: runtime, lambda: now)
        gone, stays, *_ = (await runtime.view()).containers
        await one.look([gone, stays], AGAIN, PATIENCE)
        assert one.seen(gone).usage
        runtime.known.pop(gone.name)
        now = meter.OLD / 2
        await one.look([gone, stays], AGAIN, PATIENCE)
        now += meter.OLD
        assert [one.seen(each).usage for each in (gone, stays)] == [None, None]
        assert one.seen(Container("none", "c", "ada", "", "running")) == Seen()

    asyncio.run(go())
