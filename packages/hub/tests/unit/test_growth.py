"""What the hub asks the engine for does not grow with everybody: what it remembers of networks, and
lists instead of a look at each server.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from math import inf
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import event

from hub_config.runtime import glances

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


def test_one_list_tells_of_everybodys_servers_until_one_ends(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = ["ann", *(f"person{number}" for number in range(9))]
    monkeypatch.setattr(glances, "LASTS", 0.0)

    async def ended(lists: int) -> list[str]:
        box.engine.calls.clear()
        found = [name for name in people if await box.person(name).spawner.poll_and_notify()]
        assert box.engine.calls.count("containers") == lists
        return found

    async def main() -> None:
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

    asyncio.run(main())


def test_a_pass_asks_the_database_as_often_for_many_servers_as_for_few(box: Box) -> None:
    asked: list[object] = []
    event.listen(box.db.get_bind(), "before_cursor_execute", lambda *given: asked.append(given[2]))

    async def questions(people: range) -> int:
        for number in people:
            await box.start(box.person(f"person{number}"))
        await box.reconciler.run(box.hub)
        asked.clear()
        await box.reconciler.run(box.hub)
        return len(asked)

    async def main() -> None:
        assert await questions(range(2)) == await questions(range(2, 9))

    asyncio.run(main())
