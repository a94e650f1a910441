"""What people and admins do while the hub reconciles: neither undoes what the other just did."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from hub_config.lifetimes import homes
from hub_config.reconcile import reconciler
from hub_config.runtime.interface import NetworkError, View

from .fake_engine import engine_says
from .hub_in_a_box import PATIENCE, Box, Moment

ANN = {("ann", "")}
NETWORK = "jupyterhub-net-ann"


@pytest.fixture
def box(new_box: Box) -> Box:
    return new_box


def leave_network(box: Box) -> None:
    networks = box.runtime.networks
    networks.join(box.engine, networks.make(box.engine, NETWORK, "ann", ""))


async def at_work(box: Box, *, gone: bool = False) -> Any:
    """Ann, whose server runs; with `gone` its container is no more."""
    await box.take_over()
    ann = box.person("ann")
    await box.start(ann)
    if gone:
        del box.engine.containers_["jupyter-ann"]
    return ann


async def test_a_start_waits_for_its_network_that_is_just_being_removed(box: Box) -> None:
    await box.take_over()
    ann = box.person("ann")
    leave_network(box)
    await box.reconciler.run(box.hub)
    moment = Moment(box.engine, 0)
    removing = moment.hang
    box.engine.at = lambda call: removing(call) if call == "remove_network" else None
    passing = asyncio.ensure_future(box.reconciler.run(box.hub))
    await asyncio.to_thread(moment.reached.wait, PATIENCE)
    starting = asyncio.ensure_future(box.start(ann))
    while "create_container" not in box.engine.calls and not starting.done():
        if waiting := box.runtime.alone(NETWORK)._waiters:
            assert len(waiting) == 1
            break
        await asyncio.sleep(0)
    moment.go_on.set()
    await passing
    await starting
    assert box.servers() == ANN
    box.assert_agreed()


async def test_a_server_that_comes_up_while_the_runtime_is_looked_at_goes_on(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    await box.take_over()
    ann = box.person("ann")

    async def view() -> View:
        await box.start(ann)
        # The list of networks is older than the start.
        return View(tuple(box.runtime.known.values()))

    monkeypatch.setattr(box.runtime, "view", view)
    await box.reconciler.run(box.hub)
    assert box.servers() == ANN
    box.assert_agreed()


async def test_a_look_that_is_answered_late_ends_no_new_start(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await at_work(box)
    child = ann.spawner.child_spawner
    look = box.runtime.look

    async def late(name: str) -> None:
        monkeypatch.setattr(box.runtime, "look", look)
        await ann.stop()
        await box.start(ann)
        child._unfinished = True  # at its last stage

    monkeypatch.setattr(box.runtime, "look", late)
    assert await child.poll() is None
    assert box.in_engine() == ANN


async def test_a_server_that_is_started_anew_while_its_end_is_looked_at_goes_on(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await at_work(box, gone=True)
    child = ann.spawner.child_spawner
    poll = child.poll

    async def late() -> object:
        monkeypatch.setattr(child, "poll", poll)
        answer = await poll()
        await ann.stop()
        await box.start(ann)
        return answer

    monkeypatch.setattr(child, "poll", late)
    await box.reconciler.run(box.hub)
    assert box.servers() == box.in_engine() == ANN
    box.assert_agreed()


async def test_nobody_starts_what_is_just_being_ended(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    await at_work(box, gone=True)

    async def route_goes(user: Any, name: str) -> None:
        # JupyterHub's handlers ask for this before they start a server.
        pending.append(user.spawners[name].pending)

    pending: list[str] = []
    monkeypatch.setattr(box.hub.proxy, "delete_user", route_goes)
    await box.reconciler.run(box.hub)
    assert pending == ["stop"]
    assert box.servers() == set()


@pytest.mark.parametrize(
    "error", [NetworkError("it is another platform's"), ConnectionRefusedError("the proxy is away")]
)
async def test_what_cannot_be_mended_yet_is_a_sentence_and_no_traceback(
    box: Box, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    async def refused(*_: object) -> None:
        raise error

    ann = await at_work(box, gone=not isinstance(error, NetworkError))
    monkeypatch.setattr(box.runtime, "remove_network", refused)
    monkeypatch.setattr(box.hub.proxy, "delete_user", refused)
    if isinstance(error, NetworkError):
        ann.spawner.server = None
    await box.reconciler.run(box.hub)
    (told,) = [one for one in caplog.records if one.message.startswith("Not mended")]
    assert str(error) in told.message
    assert told.exc_info is None


async def test_the_end_of_a_container_leaves_other_peoples_networks(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    await at_work(box)
    bob = box.person("bob")
    await box.start(bob)
    networks = box.engine.containers_["jupyter-bob"]["NetworkSettings"]["Networks"]
    networks[NETWORK] = {}
    bob.spawner.server = None
    removed: list[str] = []
    remove = box.runtime.remove_network

    async def noted(name: str) -> None:
        removed.append(name)
        await remove(name)

    monkeypatch.setattr(box.runtime, "remove_network", noted)
    await box.reconciler.run(box.hub)
    assert removed == ["jupyterhub-net-bob"]


async def test_a_container_that_is_never_gone_does_not_hold_up_the_others(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciler, "PATIENCE", 0.5)

    def stuck(call: str) -> None:
        if call == "remove_container":
            raise engine_says(409, "removal is already in progress")

    (await at_work(box)).spawner.server = None
    box.engine.at = stuck
    await asyncio.wait_for(box.reconciler.run(box.hub), PATIENCE)
    monkeypatch.setattr(reconciler, "PATIENCE", PATIENCE)
    box.engine.at = lambda _: None
    await box.reconcile()
    box.assert_agreed()


async def test_a_database_that_takes_no_changes_keeps_nothing_else_from_being_mended(
    db: Session, box: Box
) -> None:
    await box.take_over()
    leave_network(box)
    box.reconciler.began = False
    db.execute(text("PRAGMA query_only = 1"))  # a full disk
    await box.reconcile()
    db.execute(text("PRAGMA query_only = 0"))
    assert box.engine.networks_ == {}
    assert not box.reconciler.began, "no home is removed"
    await box.reconcile()
    assert box.reconciler.began


async def test_a_mark_that_cannot_be_read_keeps_homes_and_stops_nothing(
    db: Session, box: Box
) -> None:
    await box.take_over()
    long_ago = datetime.now(UTC) - timedelta(days=90)
    homes.claim(db, box.person("ann").id, "ann", "home-")
    homes.put_aside(db, box.person("ann").id, long_ago)
    box.reconciler.mark.write_bytes(b"\xff\xfe")
    await box.reconcile()
    assert homes.HomeRow.due(db, timedelta(days=30)) == []


async def test_a_pass_that_is_asked_for_now_does_not_wait_for_one_that_is_due_later(
    box: Box,
) -> None:
    loop = asyncio.get_running_loop()
    box.reconciler.begin(box.hub)
    now = box.reconciler._soon
    assert now
    now.cancel()
    box.reconciler._soon = None
    box.reconciler.kick(80)
    box.reconciler.begin(box.hub)
    box.reconciler.kick(80)
    assert box.reconciler._soon
    assert box.reconciler._soon.when() <= loop.time()
    box.reconciler._soon.cancel()
