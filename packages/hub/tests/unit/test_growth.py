"""What the hub asks the engine for does not grow with everybody: what it remembers of networks, and
lists instead of a look at each server.
"""

import asyncio
import json
from collections.abc import Callable
from functools import partial
from math import inf
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import event

from hub_config.lifetimes import homes
from hub_config.lifetimes.ends import Limits
from hub_config.lifetimes.measuring import Measured
from hub_config.lifetimes.sizes import Sizes
from hub_config.moments import written
from hub_config.now.looking import Looker
from hub_config.runtime import glances
from hub_config.runtime.meter import Meter

from .hub_in_a_box import Box, killed_container


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
async def test_what_the_hub_remembers_of_networks_is_asked_for_again_when_it_is_wrong(
    box: Box, event: Callable[[Box], None], subnet: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lowest = SimpleNamespace(randbelow=lambda _: 0)
    monkeypatch.setattr("hub_config.runtime.networks.secrets", lowest)
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


async def test_one_list_tells_of_everybodys_servers_until_one_ends(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = ["ann", *(f"person{number}" for number in range(9))]
    monkeypatch.setattr(glances, "LASTS", 0.0)

    async def ended(lists: int) -> list[str]:
        box.engine.calls.clear()
        found = [name for name in people if await box.person(name).spawner.poll_and_notify()]
        assert box.engine.calls.count("containers") == lists
        return found

    for name in people:
        await box.start(box.person(name))
    # A turn comes around once in an hour, so that none is looked at for its own sake.
    monkeypatch.setattr(glances, "LOOKS", len(people) / 3600)
    assert await ended(lists=len(people)) == []
    assert set(box.engine.calls) == {"containers"}
    monkeypatch.setattr(glances, "LASTS", 3600.0)
    assert await ended(lists=0) == []
    assert box.engine.calls == []
    killed_container(box)
    monkeypatch.setattr(glances, "LASTS", 0.0)
    assert await ended(lists=len(people)) == ["ann"]
    # Only a look tells what one has lost.
    monkeypatch.setattr(glances, "LOOKS", inf)
    box.engine.containers_["jupyter-person0"]["State"]["OOMKilled"] = True
    people.remove("ann")
    assert await ended(lists=0) == []
    assert "needed more memory" in box.person("person0").spawner.lost


def test_an_engine_that_hangs_gets_one_question_however_often_it_is_asked() -> None:
    asked = 0

    async def main() -> None:
        answer = asyncio.get_running_loop().create_future()

        async def running() -> frozenset[str]:
            nonlocal asked
            asked += 1
            found: frozenset[str] = await answer
            return found

        seen = glances.Glances(running)
        seen.looked("one")
        polls = [asyncio.ensure_future(seen.still_runs("one")) for _ in range(5)]
        await asyncio.wait(polls, timeout=0)
        answer.set_result(frozenset({"one"}))
        assert await asyncio.gather(*polls) == [True] * 5

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(glances, "LASTS", 0.0)
        patch.setattr(glances, "LOOKS", 1 / 3600)
        asyncio.run(main())
    assert asked == 1


class Counting(frozenset[str]):
    """A list that counts how often it is searched."""

    searches = 0

    def __contains__(self, one: object) -> bool:
        Counting.searches += 1
        return super().__contains__(one)


def test_a_list_is_searched_as_often_as_there_are_servers_and_not_for_each_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(glances, "LASTS", 3600.0)
    monkeypatch.setattr(Counting, "searches", 0)
    everybody = Counting(f"id{number}" for number in range(100))

    async def main() -> None:
        async def running() -> frozenset[str]:
            return everybody

        seen = glances.Glances(running)
        for one in everybody:
            seen.looked(one)
        assert all([await seen.still_runs(one) for one in everybody])

    asyncio.run(main())
    assert Counting.searches == 2 * len(everybody), "once for who asks, once for who is gone"


@pytest.mark.parametrize("page", [False, True], ids=["reconcile", "the page Now"])
async def test_what_is_asked_of_the_database_does_not_grow_with_the_servers(
    box: Box, page: bool, tmp_path: Path
) -> None:
    asked: list[object] = []
    event.listen(box.db.get_bind(), "before_cursor_execute", lambda *given: asked.append(given[2]))
    sizes = Sizes(tmp_path / "sizes.json", 0)

    async def titles() -> Callable[[str], str]:
        return str

    looker = Looker(
        box.reconciler,
        lambda: SimpleNamespace(titles=titles),
        Limits(),
        tmp_path,
        sizes,
        Meter(lambda: box.runtime),
    )

    async def look() -> None:
        if page:
            found = await looker.everybody(box.hub)
            assert all(one.home for one in found)
        else:
            await box.reconciler.run(box.hub)

    async def questions(people: range) -> int:
        for number in people:
            await box.start(box.person(f"person{number}"))
        known = {one.volume: vars(Measured(1, written())) for one in homes.HomeRow.all(box.db)}
        sizes.file.write_text(json.dumps(known))
        await look()
        box.db.commit()  # makes records forget what they hold
        asked.clear()
        await look()
        return len(asked)

    assert await questions(range(2)) == await questions(range(2, 9))
