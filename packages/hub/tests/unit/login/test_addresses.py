"""Whose request it is, from the header that the platform's proxy writes."""

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest
from tornado.httputil import HTTPHeaders
from tornado.web import RequestHandler

from hub_config.first_start import Places, make_secrets
from hub_config.login import door, outside
from hub_config.login.door import Addresses, Service, client_address, networks
from hub_config.settings import Settings

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
    assert asyncio.run(Service("hub-of-us", "proxy").is_at("172.18.0.2")) is answer


CADDY = "172.18.0.3"
NAMES = {PROXY: "us-proxy-1.net", CADDY: "us-tls-1.net", "10.213.0.2": "jupyter-ann.net"}


def seen(forwarded: list[str], monkeypatch: pytest.MonkeyPatch, **changes: Any) -> str:
    """Whom the hub of a platform with a domain takes for the visitor."""
    peer = changes.pop("peer", PROXY)
    monkeypatch.setattr(door, "_name_of", lambda address: NAMES.get(address, ""))
    monkeypatch.setattr(door, "_peer", lambda _: peer)
    headers = HTTPHeaders()
    for value in forwarded:
        headers.add("X-Forwarded-For", value)
    request = type("Request", (), {"headers": headers})
    handler = cast(RequestHandler, type("Handler", (), {"request": request}))
    settings = Settings(**{"platform": "us", "domain": "hub.example.org", **changes})
    return asyncio.run(Addresses(settings).of(handler))


def test_caddy_is_passed_over_by_itself_and_nobody_else_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert seen([f"1.2.3.4, {CADDY}"], monkeypatch) == "1.2.3.4"
    assert seen([f"9.9.9.9, 1.2.3.4, {CADDY}"], monkeypatch) == "1.2.3.4"
    assert (
        seen([f"1.2.3.4, 10.0.0.5, {CADDY}"], monkeypatch, trusted_proxies="10.0.0.5") == "1.2.3.4"
    )
    # A person's server asks the proxy, or the hub, and writes what it likes before its address.
    assert seen(["1.2.3.4, 10.213.0.2"], monkeypatch) == "10.213.0.2"
    assert seen([f"1.2.3.4, {CADDY}, 10.213.0.2"], monkeypatch) == "10.213.0.2"
    assert seen([f"1.2.3.4, {CADDY}"], monkeypatch, peer="10.213.0.2") == "10.213.0.2"
    # Without a domain no name is looked up for a visitor's address.
    assert seen([f"1.2.3.4, {CADDY}"], monkeypatch, domain="") == CADDY


def test_a_doctors_ticket_is_good_for_a_minute_and_cannot_be_made_up(tmp_path: Path) -> None:
    places = Places(tmp_path / "data", tmp_path)
    make_secrets(places)
    made = outside.ticket(places, now=1000)
    assert outside.good(places, made, now=1059)
    assert not outside.good(places, made, now=1061)
    until, _, signature = made.partition(".")
    for other in ("", ".", "soon.1", f"{int(until) + 1}.{signature}", f"{until}."):
        assert not outside.good(places, other, now=1000)
