"""The process that stops idle servers: side by side, and none whose person asked for more time."""

import asyncio
from typing import Any

import pytest
from aiohttp import ClientError

from hub_config.lifetimes import ends


class Api:
    """The hub's API, with a hundred servers whose time is over."""

    def __init__(self) -> None:
        self.stopped: list[str] = []
        self.at_once = self.most = 0
        self.saved = {"ann7"}
        self.failing = {"ann3"}

    async def ask(self, method: str, path: str) -> Any:
        if path == "lifetimes":
            return [{"user": f"ann{number}", "name": ""} for number in range(100)]
        user = path.split("/")[1]
        if method == "GET":
            return {"verdict": "keep" if user in self.saved else "stop"}
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        if user in self.failing:
            raise ClientError
        # "More time" is pressed while others are being stopped.
        self.saved.add("ann99")
        self.stopped.append(user)
        return None


@pytest.fixture
def api() -> Api:
    api = Api()
    asyncio.run(ends.stop_due(api.ask))
    return api


def test_who_asked_for_more_time_meanwhile_has_it(api: Api) -> None:
    assert not {"ann7", "ann99"} & set(api.stopped)


def test_one_that_fails_keeps_no_other_from_being_stopped(api: Api) -> None:
    assert len(api.stopped) == 97


def test_a_bounded_number_is_stopped_at_the_same_time(api: Api) -> None:
    assert 1 < api.most <= ends.PARALLEL
