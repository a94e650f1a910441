"""Many people whose servers are started, stopped and cancelled all at once, and what is left then.

An admin's browser does it for them, one for each: so nobody has to sign up.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from http import HTTPStatus
from random import Random
from typing import Any, TypeVar

import requests

from jhub_docker.catalog.identity import LABEL
from jhub_testing.client import Client
from jhub_testing.person import Person
from jhub_testing.platforms import Platform
from jhub_testing.waiting import DeadlineReachedError, wait_until

CANCELLED = HTTPStatus.CONFLICT
"""What who asked for a start is told when it was stopped."""

Found = TypeVar("Found")


@dataclass(frozen=True)
class Cancelled:
    """One start: `after` how many seconds it was stopped, the `seconds` from there until its person
    could start again, how often Stop was pressed, and the `trouble` there was.
    """

    after: float
    seconds: float
    presses: int
    trouble: tuple[str, ...] = ()


@dataclass
class Crowd:
    """These people of one platform; each wants the same profile. `at_once` of them do what all are
    to do, everybody by default.
    """

    platform: Platform
    admin: Person
    names: Sequence[str]
    profile: str
    at_once: int = 0

    def gather(self) -> "Crowd":
        """Make their users."""
        answer = self.admin.hub.post("api/users", json={"usernames": list(self.names)})
        assert answer.ok, f"{answer.status_code} {answer.text[:300]}"
        return self

    def some(self, first: int, last: int) -> "Crowd":
        """A part of them."""
        return replace(self, names=self.names[first:last])

    def start(self) -> list[float]:
        """All start in the same moment; the seconds until each server answers, sorted."""

        def one(name: str, hub: Client) -> float:
            server = Client(f"{self.platform.url}/user/{name}/")
            begun = time.perf_counter()
            answer = hub.post(_path(name), json={"profile": self.profile})
            assert answer.ok, f"{name}: {answer.status_code} {answer.text[:300]}"

            def answers() -> bool:
                return server.get("api", allow_redirects=False).status_code == HTTPStatus.OK

            what, not_yet = f"the server of {name}", requests.RequestException
            wait_until(answers, what, ignoring=not_yet, steadily=True)
            return time.perf_counter() - begun

        return sorted(self._each(one))

    def stop(self) -> list[float]:
        """All stop in the same moment; the seconds until each server is gone, sorted."""

        def one(name: str, hub: Client) -> float:
            begun = time.perf_counter()
            answer = hub.delete(_path(name))
            assert answer.ok, f"{name}: {answer.status_code} {answer.text[:300]}"
            what = f"{name} to be stopped"
            wait_until(lambda: _is_gone(_record(hub, name)), what, steadily=True)
            return time.perf_counter() - begun

        return sorted(self._each(one))

    def cancel(self, count: int, seed: int) -> list[Cancelled]:
        """So many starts, each cancelled at some moment before a start under this load is over."""
        longest = self.start()[-1]
        self.stop()
        random = Random(seed)  # noqa: S311 - no secret
        moments = [random.uniform(0, longest) for _ in range(count)]
        shares = {name: moments[place :: len(self.names)] for place, name in enumerate(self.names)}

        def one(name: str, hub: Client) -> list[Cancelled]:
            return [self._cancel_one(name, hub, after) for after in shares[name]]

        return [cancelled for found in self._each(one) for cancelled in found]

    def left_over(self) -> list[str]:
        """What there is of servers once all had time to agree that nobody has one."""
        found: list[str] = []

        def nothing() -> bool:
            found[:] = self._found()
            return not found

        try:
            wait_until(nothing, "nothing", ignoring=requests.RequestException)
        except DeadlineReachedError:
            return found
        return []

    def _found(self) -> list[str]:
        client = self.platform.engine.client
        mine = {"label": [f"{LABEL}.platform={self.platform.project}", f"{LABEL}.user"]}
        containers = client.api.containers(all=True, filters=mine)
        there = [
            *((one["Labels"], one["Names"][0]) for one in containers),
            *((one["Labels"], one["Name"]) for one in client.api.networks(filters=mine)),
        ]
        report = self.admin.hub.get("api/reconcile").json()
        promised = {one["user"] for one in report["promised"]}
        users = [_record(self.admin.hub, name) for name in self.names]
        return [
            *(name for labels, name in there if labels[f"{LABEL}.user"] in self.names),
            *(f"a promise for {name}" for name in promised.intersection(self.names)),
            *(f"{one['name']}: {one['servers']}" for one in users if not _is_gone(one)),
            *(["the engine is away"] if report["engine_away"] else []),
        ]

    def _cancel_one(self, name: str, hub: Client, after: float) -> Cancelled:
        presses: list[requests.Response] = []
        with ThreadPoolExecutor(1) as other:
            asked = other.submit(self._browser().post, _path(name), json={"profile": self.profile})
            wait([asked], timeout=after)
            begun = time.perf_counter()
            presses.append(hub.delete(_path(name)))

            def gone() -> bool:
                if not asked.done():
                    return False
                user = _record(hub, name)
                if user["server"] and not user["pending"]:
                    # Stop was pressed before there was anything to stop.
                    presses.append(hub.delete(_path(name)))
                return _is_gone(user)

            wait_until(gone, f"the start of {name} to be over", steadily=True)
            seconds = time.perf_counter() - begun
        bad = [one for one in presses if one.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR]
        if not (asked.result().ok or asked.result().status_code == CANCELLED):
            bad.append(asked.result())
        trouble = [
            f"{one.request.method} {name} after {after:.2f} s: {one.status_code} {one.text[:300]}"
            for one in bad
        ]
        return Cancelled(after, seconds, len(presses), tuple(trouble))

    def _each(self, act: Callable[[str, Client], Found]) -> list[Found]:
        """Do it for everybody, each with a browser of their own."""
        with ThreadPoolExecutor(self.at_once or len(self.names)) as threads:
            return list(threads.map(lambda name: act(name, self._browser()), self.names))

    def _browser(self) -> Client:
        mine = Client(self.admin.hub.base)
        mine.session.cookies.update(self.admin.session.cookies)
        return mine


def _path(name: str) -> str:
    return f"api/users/{name}/server"


def _record(hub: Client, name: str) -> Any:
    return hub.get(f"api/users/{name}").json()


def _is_gone(user: Any) -> bool:
    return user["server"] is None and user["pending"] is None and not user["servers"]
