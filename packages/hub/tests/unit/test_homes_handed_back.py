"""Homes that are put aside are handed back and removed at the same time: one of both is done."""

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from hub_config.lifetimes import homes
from hub_config.lifetimes.homes import HomeError, HomeRow
from hub_config.reconcile.pages import PurgeHandler, PutAsideHandler

from .hub_in_a_box import PATIENCE, Box, Moment


def test_a_home_that_is_handed_back_during_a_purge_stays(new_box: Box) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=90)
    for name in ("ann", "bob"):
        user = new_box.person(name)
        homes.claim(new_box.db, user.id, name, "home-")
        homes.put_aside(new_box.db, user.id, long_ago)
    removed: list[str] = []

    async def remove(home: HomeRow) -> None:
        removed.append(home.volume)
        other = {"home-ann": "bob", "home-bob": "ann"}[home.volume]
        row = HomeRow.find_put_aside(new_box.db, f"home-{other}")
        assert row is not None
        row.hand_to(new_box.db, new_box.person(other))

    async def others(_db: Any, _keep: timedelta) -> None:
        removed.append("what else there is")

    given: Any = SimpleNamespace(
        db=new_box.db,
        others=others,
        reconciler=new_box.reconciler,
        keep=timedelta(days=30),
        require=lambda _: None,
        alone=new_box.runtime.alone,
        remove=remove,
        set_status=lambda _: None,
    )
    new_box.reconciler.began = False
    asyncio.run(PurgeHandler.post(given))
    assert removed == [], "nothing goes before the first pass"
    new_box.reconciler.began = True
    asyncio.run(PurgeHandler.post(given))
    assert len(removed) == 2, "a home, and what else there is"


async def test_a_home_is_handed_to_nobody_while_its_volume_is_being_removed(new_box: Box) -> None:
    """Its new person would find an empty one in its place at their next start."""
    ann = new_box.person("ann")
    volume = homes.claim(new_box.db, ann.id, "ann", "home-").volume
    new_box.engine.volumes_[volume] = {"Name": volume, "Labels": {}}
    homes.put_aside(new_box.db, ann.id)
    bob = new_box.person("bob")
    page: Any = object.__new__(PutAsideHandler)
    page.application = SimpleNamespace(settings={"db": new_box.db})
    page.reconciler, page.idle = new_box.reconciler, lambda _: bob
    page._jupyterhub_user = SimpleNamespace(name="admin")
    page.get_body_argument = lambda name, *_: {"person": "bob"}.get(name, "")
    moment = Moment(new_box.engine, 0)
    new_box.engine.at = lambda call: moment.hang(call) if call == "remove_volume" else None
    removing = asyncio.ensure_future(page.remove_now(volume, volume))
    await asyncio.to_thread(moment.reached.wait, PATIENCE)
    handing = asyncio.ensure_future(page.hand_on(volume, put_aside=True))
    await asyncio.sleep(0)
    moment.go_on.set()
    await removing
    with pytest.raises(HomeError, match="nothing called"):
        await handing
    assert HomeRow.in_use(new_box.db, bob.id) is None
