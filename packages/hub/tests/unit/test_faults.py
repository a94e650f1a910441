"""Cut off at any moment of a start or a stop: hub, engine and promises agree afterwards, and the
person can start with one click. JupyterHub's own objects on an engine in memory.
"""

import asyncio
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any

import pytest
from jupyterhub.spawner import SpawnException

from hub_config.runtime.records import GUARD
from hub_config.spawning import servers

from .hub_in_a_box import PATIENCE, Box, Killed, Moment

CALLS = 12
"""No start makes more calls than this; a test says when one does."""

MOMENTS = range(CALLS)


async def until_killed(box: Box) -> None:
    """Start a server, until the hub is killed."""
    with suppress(Killed):
        await box.start(box.person("ann"))


async def test_an_undisturbed_start_makes_no_more_calls_than_the_loops_try(box: Box) -> None:
    await box.start(box.person("ann"))
    box.assert_agreed()
    assert len(box.engine.calls) <= CALLS, box.engine.calls


@pytest.mark.parametrize("number", MOMENTS)
async def test_a_start_is_cancelled_while_the_engine_hangs(box: Box, number: int) -> None:
    moment = Moment(box.engine, number)
    box.engine.at = moment.hang

    ann = box.person("ann")
    starting = asyncio.ensure_future(box.start(ann))
    await asyncio.wait(
        [starting, asyncio.ensure_future(asyncio.to_thread(moment.reached.wait, PATIENCE))],
        return_when=asyncio.FIRST_COMPLETED,
    )
    if not starting.done():
        cancelling = asyncio.ensure_future(box.cancel(ann))
        # The start is over at once; what it had begun goes on.
        await asyncio.wait([starting], timeout=PATIENCE)
        assert starting.done()
        moment.go_on.set()
        await cancelling
    else:
        moment.reached.set()
        moment.go_on.set()
        await ann.stop()
    await box.reconcile()
    box.assert_agreed()
    await box.one_click()


@pytest.mark.parametrize("number", MOMENTS)
async def test_the_engine_goes_away_during_a_start_and_comes_back(box: Box, number: int) -> None:
    box.engine.at = Moment(box.engine, number).away

    ann = box.person("ann")
    with pytest.raises(SpawnException, match="cannot reach"):
        await box.start(ann)
    await box.reconciler.run(box.hub)
    box.engine.at = lambda _: None
    await box.reconcile()
    box.assert_agreed()
    await box.one_click()


async def next_life(box: Box) -> None:
    await box.take_over()
    box.assert_agreed()
    ann = box.person("ann")
    if ann.spawner.ready:
        await ann.stop()
    await box.one_click()


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", MOMENTS)
def test_the_hub_is_killed_during_a_start(box: Box, number: int, when: str) -> None:
    moment = Moment(box.engine, number)
    if when == "before":
        box.engine.at = moment.kill
    else:
        box.engine.after = moment.kill

    asyncio.run(until_killed(box))
    box.engine.at = box.engine.after = lambda _: None
    box.live()
    asyncio.run(next_life(box))


@pytest.mark.parametrize("number", MOMENTS)
def test_the_next_start_after_a_kill_works_at_once(box: Box, number: int) -> None:
    """Before anybody reconciles."""
    box.engine.after = Moment(box.engine, number).kill

    async def next_life() -> None:
        ann = box.person("ann")
        if ann.orm_spawners[""].server is not None:
            await ann.stop()
        await box.one_click()

    asyncio.run(until_killed(box))
    box.engine.after = lambda _: None
    box.live()
    asyncio.run(next_life())


STOP_CALLS = 9
"""No stop makes more calls than this; a test says when one does."""


async def test_an_undisturbed_stop_makes_no_more_calls_than_the_loops_try(box: Box) -> None:
    await box.start(box.person("ann"))
    box.engine.calls.clear()
    await box.person("ann").stop()
    assert len(box.engine.calls) <= STOP_CALLS, box.engine.calls


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", range(STOP_CALLS))
def test_the_hub_is_killed_during_a_stop(box: Box, number: int, when: str) -> None:
    async def until_killed() -> None:
        await box.start(box.person("ann"))
        setattr(box.engine, {"before": "at"}.get(when, when), Moment(box.engine, number).kill)
        with suppress(Killed):
            await box.person("ann").stop()

    asyncio.run(until_killed())
    box.engine.at = box.engine.after = lambda _: None
    box.live()
    asyncio.run(next_life(box))


@pytest.mark.parametrize("number", range(STOP_CALLS))
async def test_the_engine_goes_away_during_a_stop_and_comes_back(box: Box, number: int) -> None:
    await box.start(box.person("ann"))
    box.engine.at = Moment(box.engine, number).away
    await box.person("ann").stop()
    assert not box.servers()
    box.engine.at = lambda _: None
    await box.reconcile()
    box.assert_agreed()
    await box.one_click()


async def test_a_stop_without_an_engine_forgets_nothing(box: Box) -> None:
    ann = box.person("ann")
    await box.start(ann)
    box.engine.at = Moment(box.engine, 0).away
    await ann.stop()
    assert not box.servers()
    promised = ann.spawner.counter.promises.all()
    assert list(promised) == [("ann", "")], "memory that is in use was forgotten"
    report = await box.reconciler.run(box.hub)
    assert report["engine_away"]
    assert [(one["user"], one["cpus"]) for one in report["promised"]] == [("ann", 1)]
    box.engine.at = lambda _: None
    await box.reconcile()
    box.assert_agreed()
    await box.one_click()


@pytest.mark.parametrize(
    ("then", "error"), [("healthy", nullcontext()), ("Paused", pytest.raises(SpawnException))]
)
async def test_a_firewall_that_was_not_judged_yet_or_slow_to_answer_is_waited_for(
    box: Box, monkeypatch: pytest.MonkeyPatch, then: str, error: AbstractContextManager[object]
) -> None:
    states = iter(["health: starting", "unhealthy", then])
    containers = box.engine.containers

    def judged(**given: Any) -> list[dict[str, Any]]:
        listed = containers(**given)
        for one in listed:
            if one["Names"] == [f"/{GUARD}"]:
                one["Status"] = f"Up 5 minutes ({next(states, then)})"
        return listed

    monkeypatch.setitem(box.engine.__dict__, "containers", judged)
    box.runtime.networks.firewall = True
    with error:
        await box.start(box.person("ann"))
    assert next(states, None) is None


async def test_somebody_is_deleted_while_their_server_starts(box: Box) -> None:
    moment = Moment(box.engine, 6)
    box.engine.at = moment.hang

    ann = box.person("ann")
    starting = asyncio.ensure_future(box.start(ann))
    await asyncio.to_thread(moment.reached.wait, PATIENCE)
    deleting = asyncio.ensure_future(servers.stop_servers(ann, box.hub))
    await asyncio.wait([starting], timeout=PATIENCE)
    moment.go_on.set()
    await deleting
    await ann.delete_spawners()
    box.db.delete(ann.orm_user)
    box.db.commit()
    del box.hub.users["ann"]
    await box.reconcile()
    box.assert_agreed()
    assert not [name for name in box.engine.volumes_ if "ann." in name]
