"""Whose request it is, from the header that the platform's proxy writes."""

import asyncio

import pytest

from hub_config.login import door
from hub_config.login.door import PlatformProxy, client_address, networks

PROXY = "172.18.0.2"


@pytest.mark.parametrize(
    ("forwarded", "trusted", "client"),
    [
        ([], "", PROXY),
        (["1.2.3.4"], "", "1.2.3.4"),
        (["9.9.9.9, 1.2.3.4"], "", "1.2.3.4"),
        (["9.9.9.9", "1.2.3.4"], "", "1.2.3.4"),
        (["9.9.9.9, 1.2.3.4, 10.0.0.5"], "10.0.0.5", "1.2.3.4"),
        (["9.9.9.9, 1.2.3.4, 10.0.0.5"], "10.0.0.0/8, fd00::/8", "1.2.3.4"),
        (["10.0.0.6, 10.0.0.5"], "10.0.0.0/8", "10.0.0.6"),
        (["nonsense"], "", PROXY),
        (["1.2.3.4, nonsense, 10.0.0.5"], "10.0.0.0/8", "10.0.0.5"),
        (["::ffff:1.2.3.4"], "", "1.2.3.4"),
        (["2001:db8:1:2:3:4:5:6"], "", "2001:db8:1:2::/64"),
    ],
)
def test_what_a_visitor_writes_does_not_count(
    forwarded: list[str], trusted: str, client: str
) -> None:
    assert client_address(PROXY, forwarded, networks(trusted)) == client


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("hub-of-us-proxy-1.jupyterhub-net", True),
        ("hub-of-us-proxy-2.hub-of-us_control", True),
        ("jupyter-alice.jupyter-alice", False),
        ("jupyter-hub-of-us-proxy-1.net", False),
        ("hub-of-us-proxy-1x.net", False),
        ("", False),
    ],
)
def test_only_the_proxys_container_is_believed(
    name: str, answer: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "_name_of", lambda _: name)
    assert asyncio.run(PlatformProxy("hub-of-us").is_at("172.18.0.2")) is answer
