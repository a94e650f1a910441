"""Whatever goes wrong at whatever moment: hub, engine and promises agree afterwards, and the person
can start with one click. JupyterHub's own objects on an engine in memory; loops over all moments.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jupyterhub import orm
from jupyterhub.spawner import SpawnException
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session
from traitlets.config import Config

from hub_config import names
from hub_config.lifetimes import homes
from hub_config.reconcile.backwards import MarkRow
from hub_config.spawning import servers
from hub_config.told import StartFailure

from .hub_in_a_box import Box, Killed, Moment

CALLS = 12
"""No start makes more calls than this; a test says when one does."""

MOMENTS = range(CALLS)
HOME = "jupyterhub-user-ann"


@pytest.fixture
def box(applied: Config, db: Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Box:
    box = Box(applied, db, monkeypatch, tmp_path)

    async def first() -> None:
        """The machine's facts are known, as a moment after the hub's start."""
        await box.take_over()
        await box.start(box.person("zoe"))
        await box.person("zoe").stop()

    asyncio.run(first())
    box.engine.calls.clear()
    return box


async def until_killed(box: Box) -> None:
    """Start a server, until the hub is killed."""
    with suppress(Killed):
        await box.start(box.person("ann"))


async def one_click(box: Box) -> None:
    """The person starts, works, stops, and nothing is left."""
    ann = box.person("ann")
    await box.start(ann)
    box.assert_agreed()
    assert box.servers() == {("ann", "")}
    await ann.stop()
    box.assert_agreed()
    assert not box.servers()
    assert {name for name in box.engine.volumes_ if "ann" in name} == {HOME}


def test_an_undisturbed_start_makes_no_more_calls_than_the_loops_try(box: Box) -> None:
    async def main() -> None:
        await box.start(box.person("ann"))
        box.assert_agreed()

    asyncio.run(main())
    assert len(box.engine.calls) <= CALLS, box.engine.calls


@pytest.mark.parametrize("number", MOMENTS)
def test_a_start_is_cancelled_while_the_engine_hangs(box: Box, number: int) -> None:
    moment = Moment(box.engine, number)
    box.engine.at = moment.hang

    async def main() -> None:
        ann = box.person("ann")
        starting = asyncio.ensure_future(box.start(ann))
        await asyncio.wait(
            [starting, asyncio.ensure_future(asyncio.to_thread(moment.reached.wait, 10))],
            return_when=asyncio.FIRST_COMPLETED,
        )
        if not starting.done():
            cancelling = asyncio.ensure_future(box.cancel(ann))
            # The start is over at once; what it had begun goes on.
            await asyncio.wait([starting], timeout=5)
            assert starting.done()
            moment.go_on.set()
            await cancelling
        else:
            moment.reached.set()
            moment.go_on.set()
            await ann.stop()
        await box.reconcile()
        box.assert_agreed()
        await one_click(box)

    asyncio.run(main())


@pytest.mark.parametrize("number", MOMENTS)
def test_the_engine_goes_away_during_a_start_and_comes_back(box: Box, number: int) -> None:
    box.engine.at = Moment(box.engine, number).away

    async def main() -> None:
        ann = box.person("ann")
        with pytest.raises(SpawnException, match="cannot reach"):
            await box.start(ann)
        await box.reconciler.run(box.hub)
        box.engine.at = lambda _: None
        await box.reconcile()
        box.assert_agreed()
        await one_click(box)

    asyncio.run(main())


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", MOMENTS)
def test_the_hub_is_killed_during_a_start(box: Box, number: int, when: str) -> None:
    moment = Moment(box.engine, number)
    if when == "before":
        box.engine.at = moment.kill
    else:
        box.engine.after = moment.kill

    async def next_life() -> None:
        await box.take_over()
        box.assert_agreed()
        ann = box.person("ann")
        if ann.spawner.ready:
            await ann.stop()
        await one_click(box)

    asyncio.run(until_killed(box))
    box.engine.at = box.engine.after = lambda _: None
    box.live()
    asyncio.run(next_life())


@pytest.mark.parametrize("number", MOMENTS)
def test_the_next_start_after_a_kill_works_at_once(box: Box, number: int) -> None:
    """Before anybody reconciles."""
    box.engine.after = Moment(box.engine, number).kill

    async def next_life() -> None:
        ann = box.person("ann")
        if ann.orm_spawners[""].server is not None:
            await ann.stop()
        await one_click(box)

    asyncio.run(until_killed(box))
    box.engine.after = lambda _: None
    box.live()
    asyncio.run(next_life())


STOP_CALLS = 9
"""No stop makes more calls than this; a test says when one does."""


def test_an_undisturbed_stop_makes_no_more_calls_than_the_loops_try(box: Box) -> None:
    async def main() -> None:
        await box.start(box.person("ann"))
        box.engine.calls.clear()
        await box.person("ann").stop()

    asyncio.run(main())
    assert len(box.engine.calls) <= STOP_CALLS, box.engine.calls


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", range(STOP_CALLS))
def test_the_hub_is_killed_during_a_stop(box: Box, number: int, when: str) -> None:
    async def until_killed() -> None:
        await box.start(box.person("ann"))
        setattr(box.engine, {"before": "at"}.get(when, when), Moment(box.engine, number).kill)
        with suppress(Killed):
            await box.person("ann").stop()

    async def next_life() -> None:
        await box.take_over()
        box.assert_agreed()
        ann = box.person("ann")
        if ann.spawner.ready:
            await ann.stop()
        await one_click(box)

    asyncio.run(until_killed())
    box.engine.at = box.engine.after = lambda _: None
    box.live()
    asyncio.run(next_life())


@pytest.mark.parametrize("number", range(STOP_CALLS))
def test_the_engine_goes_away_during_a_stop_and_comes_back(box: Box, number: int) -> None:
    async def main() -> None:
        await box.start(box.person("ann"))
        box.engine.at = Moment(box.engine, number).away
        await box.person("ann").stop()
        assert not box.servers()
        box.engine.at = lambda _: None
        await box.reconcile()
        box.assert_agreed()
        await one_click(box)

    asyncio.run(main())


def test_a_stop_without_an_engine_forgets_nothing(box: Box) -> None:
    async def main() -> None:
        ann = box.person("ann")
        await box.start(ann)
        box.engine.at = Moment(box.engine, 0).away
        await ann.stop()
        assert not box.servers()
        promised = ann.spawner.counter.desk.promises.all()
        assert list(promised) == [("ann", "")], "memory that is in use was forgotten"
        report = await box.reconciler.run(box.hub)
        assert report["engine_away"]
        assert [one["user"] for one in report["promised"]] == ["ann"]
        box.engine.at = lambda _: None
        await box.reconcile()
        box.assert_agreed()
        await one_click(box)

    asyncio.run(main())


def removed_network(box: Box) -> None:
    (name,) = box.engine.networks_
    del box.engine.networks_[name]


def removed_container(box: Box) -> None:
    del box.engine.containers_["jupyter-ann"]


def killed_container(box: Box) -> None:
    state = {"Status": "exited", "Running": False, "ExitCode": 137}
    box.engine.containers_["jupyter-ann"]["State"] = state


def detached_proxy(box: Box) -> None:
    box.engine.containers_["proxy"]["NetworkSettings"]["Networks"] = {}


@pytest.mark.parametrize(
    ("event", "goes_on"),
    [
        (removed_network, False),
        (removed_container, False),
        (killed_container, False),
        (detached_proxy, True),
    ],
)
def test_somebody_else_is_at_the_engine(
    box: Box, event: Callable[[Box], None], goes_on: bool
) -> None:
    async def main() -> None:
        ann = box.person("ann")
        await box.start(ann)
        event(box)
        await box.reconcile()
        box.assert_agreed()
        assert box.servers() == ({("ann", "")} if goes_on else set())
        if goes_on:
            await ann.stop()
        await one_click(box)

    asyncio.run(main())


def test_a_home_that_was_removed_is_said_once_and_never_silently_replaced(box: Box) -> None:
    async def main() -> None:
        ann = box.person("ann")
        await one_click(box)
        del box.engine.volumes_[HOME]
        report = await box.reconciler.run(box.hub)
        assert [one["name"] for one in report["differences"]] == [HOME]
        with pytest.raises(StartFailure, match="is not there any more"):
            await box.start(ann)
        await box.reconcile()
        box.assert_agreed()
        assert HOME not in box.engine.volumes_
        await one_click(box)

    asyncio.run(main())


def test_a_home_that_a_backup_brings_back_is_its_persons_again(box: Box) -> None:
    async def main() -> None:
        ann = box.person("ann")
        await one_click(box)
        gone = box.engine.volumes_.pop(HOME)
        with pytest.raises(StartFailure, match="is not there any more"):
            await box.start(ann)
        box.engine.volumes_[HOME] = gone
        await one_click(box)
        del box.engine.volumes_[HOME]
        with pytest.raises(StartFailure, match="is not there any more"):
            await box.start(ann)
        await one_click(box)
        assert box.engine.volumes_[HOME]["Labels"] != gone["Labels"], "an empty one has its word"

    asyncio.run(main())


def test_somebody_is_deleted_while_their_server_starts(box: Box) -> None:
    moment = Moment(box.engine, 6)
    box.engine.at = moment.hang

    async def main() -> None:
        ann = box.person("ann")
        starting = asyncio.ensure_future(box.start(ann))
        await asyncio.to_thread(moment.reached.wait, 10)
        deleting = asyncio.ensure_future(servers.stop_servers(ann, box.hub))
        await asyncio.wait([starting], timeout=5)
        moment.go_on.set()
        await deleting
        await ann.delete_spawners()
        box.db.delete(ann.orm_user)
        box.db.commit()
        del box.hub.users["ann"]
        await box.reconcile()
        box.assert_agreed()
        assert not [name for name in box.engine.volumes_ if "ann." in name]

    asyncio.run(main())


def test_the_database_is_lost_and_nobody_gets_anothers_files(box: Box) -> None:
    """Whoever signs up under a name that had a home gets the next one; what runs is left alone."""

    async def before() -> None:
        await box.start(box.person("ann"))

    async def after() -> None:
        await box.take_over()
        assert box.in_engine() == {("ann", "")}, "somebody's work was ended"
        report = await box.reconciler.run(box.hub)
        assert [one["name"] for one in report["differences"]] == ["jupyter-ann", *reversed(HOMES)]
        bob = box.person("bob")
        await box.start(bob)
        await bob.stop()
        with pytest.raises(StartFailure, match="another database"):
            await box.start(box.person("ann"))
        del box.engine.containers_["jupyter-ann"]
        await box.start(box.person("ann"))
        assert f"{HOME}.2" in box.engine.volumes_
        assert HOME in box.engine.volumes_

    asyncio.run(before())
    forget_everything(box)
    asyncio.run(after())


def test_a_container_without_a_database_is_not_whose_name_it_has_after_a_loss(box: Box) -> None:
    """It is of a hub that labelled none; whoever signs up by that name has no right to it."""

    async def before() -> None:
        await box.start(box.person("ann"))

    async def after() -> None:
        ann = box.person("ann")
        await box.take_over()
        assert box.in_engine() == {("ann", "")}, "somebody's work was ended"
        with pytest.raises(StartFailure, match="another database"):
            await box.start(ann)
        assert box.in_engine() == {("ann", "")}, "somebody's work was ended"

    asyncio.run(before())
    del box.engine.containers_["jupyter-ann"]["Config"]["Labels"][names.DATABASE]
    forget_everything(box)
    asyncio.run(after())


def test_an_old_copy_of_the_database_adopts_no_server_that_was_started_since(box: Box) -> None:
    """It lacks the token of that one, so nobody could get in, and it would be idle for the hub."""

    async def before() -> None:
        ann = box.person("ann")
        await box.start(ann)
        copied.update(ann.orm_spawners[""].state)
        await ann.stop()
        await box.start(ann)

    async def after() -> None:
        await box.take_over()
        box.assert_agreed()
        assert not box.servers()
        ann = box.person("ann")
        assert "copy of the hub's database" in ann.get_or_create_spawner("", "").last_end
        await one_click(box)

    copied: dict[str, object] = {}
    asyncio.run(before())
    box.person("ann").orm_spawners[""].state = copied
    box.db.commit()
    box.live()
    asyncio.run(after())


def test_an_old_copy_of_the_database_removes_no_home_at_once(box: Box) -> None:
    """One that it has for put aside was perhaps given to somebody since."""
    long_ago, keep = datetime.now(UTC) - timedelta(days=29), timedelta(days=30)
    zoe = box.person("zoe")

    async def passes(times: int = 1) -> None:
        for _ in range(times):
            await box.reconciler.run(box.hub)

    def due(days: int) -> list[str]:
        found = homes.due(box.db, keep, datetime.now(UTC) + timedelta(days=days))
        return [home.volume for home in found]

    homes.put_aside(box.db, zoe.id, long_ago)
    asyncio.run(passes(2))
    assert due(2) == ["jupyterhub-user-zoe"], "an undisturbed hub keeps nothing longer"
    (copied,) = box.db.scalars(select(MarkRow.word))
    asyncio.run(passes())
    box.live()
    asyncio.run(passes())
    assert due(2) == ["jupyterhub-user-zoe"], "a restart is no older copy"
    box.db.execute(update(MarkRow).values(word=copied))
    box.db.commit()
    box.live()
    asyncio.run(passes())
    assert (due(2), due(31)) == ([], ["jupyterhub-user-zoe"])


def test_neither_start_nor_stop_asks_for_everybodys_networks(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    for name in ("networks", "containers"):
        call = getattr(box.engine, name)

        def noted(*args: Any, call: Any = call, **given: Any) -> Any:
            answer = call(*args, **given)
            asked.append(given.get("filters"))
            assert len(answer) < 3, f"an answer that grows with everybody: {given}"
            return answer

        monkeypatch.setitem(box.engine.__dict__, name, noted)

    async def main() -> None:
        for person in ("bob", "cat", "dan", "eve"):
            await box.start(box.person(person))
        await box.person("bob").stop()

    box.runtime.networks.firewall = True
    asyncio.run(main())
    assert asked
    assert None not in asked


def taken(box: Box, subnet: str) -> None:
    """Another platform on this engine made a network there."""
    other = {"Id": "id-other", "Name": "other", "Labels": {}}
    box.engine.networks_["other"] = {**other, "IPAM": {"Config": [{"Subnet": subnet}]}}


def recreated_proxy(box: Box) -> None:
    box.engine.containers_["proxy"]["Id"] = "id-another"


@pytest.mark.parametrize(
    ("event", "subnet"),
    [
        (partial(taken, subnet="10.213.0.0/28"), "10.213.0.16/28"),
        (partial(taken, subnet="10.213.0.0/24"), "10.213.1.0/28"),
        (recreated_proxy, "10.213.0.0/28"),
    ],
)
def test_what_the_hub_remembers_of_networks_is_asked_for_again_when_it_is_wrong(
    box: Box, event: Callable[[Box], None], subnet: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lowest = SimpleNamespace(randbelow=lambda _: 0)
    monkeypatch.setattr("hub_config.runtime.networks.secrets", lowest)

    async def main() -> None:
        event(box)
        ann = box.person("ann")
        await box.start(ann)
        network = box.engine.networks_["jupyterhub-net-ann"]
        assert network["IPAM"]["Config"] == [{"Subnet": subnet}]
        attached = box.engine.containers_["proxy"]["NetworkSettings"]["Networks"]
        assert set(attached) == {"jupyterhub-net-ann"}
        await ann.stop()
        assert "jupyterhub-net-ann" not in box.engine.networks_
        box.engine.calls.clear()
        await box.start(ann)
        assert box.engine.calls.count("create_network") == 1, "nothing was learned"

    asyncio.run(main())


HOMES = [HOME, "jupyterhub-user-zoe"]


def forget_everything(box: Box) -> None:
    for user in box.db.query(orm.User):
        box.db.delete(user)
    for table in (homes.HomeRow, homes.DatabaseRow):
        box.db.execute(delete(table))
    box.db.commit()
    box.live()
