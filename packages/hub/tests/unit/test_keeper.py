"""The keeper: what it takes for lost routes, and that it tries again what did not work."""

import asyncio
import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer

import aiohttp
import pytest
import requests

from hub_config.apis import ask
from hub_config.keeper import RECONCILE_EVERY, Keeper, Routes, are_lost, asking, told

FRESH: Routes = {"/": {"target": "http://hub:8081"}}
OF_THE_HUB: Routes = {"/": {"target": "http://hub:8081", "hub": True, "jupyterhub": True}}


@pytest.mark.parametrize(
    ("routes", "lost"),
    [
        ({}, True),
        (FRESH, True),
        (OF_THE_HUB, False),
        ({**FRESH, "/team/": OF_THE_HUB["/"]}, False),
        ({**FRESH, "/user/ada/": {"user": "ada", "jupyterhub": True}}, True),
    ],
)
def test_routes_are_lost_when_the_hubs_own_is(routes: Routes, lost: bool) -> None:
    assert are_lost(routes) is lost


class Apis(BaseHTTPRequestHandler):
    """Proxy and hub; `state` says what they answer."""

    state: dict[str, object]

    def do_GET(self) -> None:
        self._answer(200, self.state["routes"])

    def do_POST(self) -> None:
        if self.headers["Authorization"] != "token secret":
            self._answer(403, {})
        elif not self.state["hub"]:
            self._answer(503, {})
        else:
            self.state["synced"] = True
            self.state["routes"] = OF_THE_HUB
            self._answer(200, {})

    def _answer(self, status: int, body: object) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Be quiet."""


@pytest.fixture
def url() -> Iterator[str]:
    Apis.state = {"routes": FRESH, "hub": True}
    server = HTTPServer(("127.0.0.1", 0), Apis)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def look(*urls: str) -> None:
    """A keeper looks at a proxy at each of these, which is the hub, too."""

    async def looking() -> None:
        async with asking("secret", 10) as session:
            one = Keeper(_nobody, {}, _nobody)
            for url in urls:
                one.routes = partial(told, session, url, "GET", "")
                one.mends = {"routes": partial(told, session, url, "POST", "/proxy")}
                await one.look()
                # It restored its own route, and failed at another one.
                Apis.state |= {"routes": OF_THE_HUB, "hub": True}

    asyncio.run(looking())


async def _nobody() -> Routes:
    return pytest.fail("it was asked")


def test_lost_routes_are_restored_once(url: str) -> None:
    look(url)
    assert Apis.state.pop("synced")
    look(url, url)
    assert "synced" not in Apis.state


def test_a_hub_that_is_away_is_asked_again(url: str) -> None:
    Apis.state["hub"] = False
    look(url, url)
    assert Apis.state["synced"]


def test_a_proxy_that_is_away_is_no_error(url: str) -> None:
    look("http://127.0.0.1:9")
    assert "synced" not in Apis.state


def test_a_refusal_is_an_error(url: str) -> None:
    with pytest.raises(requests.RequestException, match="403"):
        ask("POST", f"{url}/proxy", "wrong")


def test_the_hub_reconciles_at_once_every_minute_and_as_soon_as_it_answers() -> None:
    now, asked = [0.0], []
    answers = [True, False, True]

    async def reconciling() -> None:
        asked.append(now[0])
        if not answers.pop(0):
            raise aiohttp.ClientConnectionError

    one = Keeper(_nobody, {}, reconciling, lambda: now[0])
    for now[0] in (0, RECONCILE_EVERY - 1, RECONCILE_EVERY, RECONCILE_EVERY + 1, 0):
        asyncio.run(one.reconcile_in_time())
    assert asked == [0, RECONCILE_EVERY, RECONCILE_EVERY + 1]
