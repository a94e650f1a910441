"""Others change the engine or the database: nothing is forgotten and nobody gets another's files.

As in `test_faults`, hub, engine and promises agree afterwards, and one click starts a server.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from jupyterhub import orm
from sqlalchemy import delete, select, update

from hub_config import names
from hub_config.lifetimes import homes
from hub_config.reconcile.backwards import MarkRow
from hub_config.told import StartFailure

from .hub_in_a_box import HOME, Box, killed_container

HOMES = [HOME, "jupyterhub-user-zoe"]


def forget_everything(box: Box) -> None:
    for user in box.db.query(orm.User):
        box.db.delete(user)
    for table in (homes.HomeRow, homes.DatabaseRow):
        box.db.execute(delete(table))
    box.db.commit()
    box.live()


def removed_network(box: Box) -> None:
    (name,) = box.engine.networks_
    del box.engine.networks_[name]


def removed_container(box: Box) -> None:
    del box.engine.containers_["jupyter-ann"]


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
async def test_somebody_else_is_at_the_engine(
    box: Box, event: Callable[[Box], None], goes_on: bool
) -> None:
    ann = box.person("ann")
    await box.start(ann)
    event(box)
    await box.reconcile()
    box.assert_agreed()
    assert box.servers() == ({("ann", "")} if goes_on else set())
    if goes_on:
        await ann.stop()
    await box.one_click()


async def test_a_home_that_was_removed_is_said_once_and_never_silently_replaced(box: Box) -> None:
    ann = box.person("ann")
    await box.one_click()
    del box.engine.volumes_[HOME]
    report = await box.reconciler.run(box.hub)
    assert [one["name"] for one in report["differences"]] == [HOME]
    with pytest.raises(StartFailure, match="is not there any more"):
        await box.start(ann)
    await box.reconcile()
    box.assert_agreed()
    assert HOME not in box.engine.volumes_
    await box.one_click()


async def test_a_home_that_a_backup_brings_back_is_its_persons_again(box: Box) -> None:
    ann = box.person("ann")
    await box.one_click()
    gone = box.engine.volumes_.pop(HOME)
    with pytest.raises(StartFailure, match="is not there any more"):
        await box.start(ann)
    box.engine.volumes_[HOME] = gone
    await box.one_click()
    del box.engine.volumes_[HOME]
    with pytest.raises(StartFailure, match="is not there any more"):
        await box.start(ann)
    await box.one_click()
    assert box.engine.volumes_[HOME]["Labels"] != gone["Labels"], "an empty one has its word"


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
        await box.one_click()

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
        found = homes.HomeRow.due(box.db, keep, datetime.now(UTC) + timedelta(days=days))
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
