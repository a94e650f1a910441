"""What the hub remembers of networks, so that no start and no stop asks for everybody's."""

import asyncio
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from .hub_in_a_box import Box


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
