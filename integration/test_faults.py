"""Everything goes wrong, at every stage: hub, engine and promises agree afterwards, and the person
can start again with one click. What happens is written into docs/faults.md.

The unit tests of the hub try every single call of a start (packages/hub/tests/unit/test_faults.py);
here are the worst faults on a real platform.
"""

import json
import os
import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from jhub_docker.catalog.identity import LABEL
from jhub_testing import stub_servers
from jhub_testing.person import Person
from jhub_testing.platforms import Platform
from jhub_testing.resources import Engine
from jhub_testing.waiting import PATIENCE, wait_until

PROFILE = "stub-s"
"""Of a small server that takes a second to start: what goes wrong is around it, not in it."""
WRITE = "JHUB_TEST_WRITE_DOCS"
PAGE = Path(__file__).parents[1] / "docs" / "faults.md"
STAGES = ("image", "network", "volume", "container", "server")
"""All of a start but the queue, where nothing is made; a unit test of the hub compares them."""


@dataclass
class Scene:
    """A platform, its admin, and somebody who only wants to work."""

    platform: Platform
    admin: Person
    ann: Person

    def api(self, method: str, path: str = "server", **given: object) -> requests.Response:
        """A request of ann's browser to the hub's API about herself."""
        self.ann.hub.get("home")
        return self.ann.hub.change(method, f"api/users/ann/{path}", **given)

    def report(self) -> dict[str, Any]:
        """What the hub finds when it compares now."""
        answer = self.admin.hub.get("api/reconcile")
        assert answer.ok, f"{answer.status_code} {answer.text[:500]}"
        return dict(answer.json())

    def server(self) -> dict[str, Any]:
        """What the hub says of ann's server."""
        servers = self.ann.hub.get("api/users/ann").json()["servers"]
        return dict(servers.get("", {"ready": False, "pending": None}))

    def networks(self) -> list[Any]:
        """The networks of people's servers."""
        labels = [f"{LABEL}.platform={self.platform.project}", f"{LABEL}.user"]
        return list(self.platform.engine.client.networks.list(filters={"label": labels}))

    def agreed(self) -> bool:
        """Hub, engine and promises say the same."""
        server, report = self.server(), self.report()
        runs = int(bool(server["ready"]))
        found = {len(self.platform.servers()), len(self.networks()), len(report["promised"])}
        return not server["pending"] and not report["engine_away"] and found == {runs}

    def until_agreed(self) -> None:
        """Wait for that."""
        wait_until(self.agreed, "all to agree", ignoring=(requests.RequestException, KeyError))

    def one_click(self) -> None:
        """Start, work and stop: nothing is left."""
        if self.server()["ready"]:
            self.ann.stop()
        self.ann.choose(PROFILE)
        self.ann.stop()
        assert self.platform.servers() == []
        assert self.networks() == []

    def begin(self, stage: str) -> "Future[requests.Response]":
        """Ask for a server, and return when its start has come to `stage`: the answer to come."""
        self.ann.hub.get("home")
        other = ThreadPoolExecutor(1)
        asked = other.submit(self.ann.hub.post, "api/users/ann/server", json={"profile": PROFILE})
        other.shutdown(wait=False)
        path = "api/users/ann/server/progress"

        def starting() -> requests.Response | None:
            answer = self.ann.hub.get(path, stream=True)
            return answer if answer.ok else None

        with wait_until(starting, "the start") as events:
            for line in events.iter_lines(chunk_size=1):
                if line.startswith(b"data:"):
                    told = json.loads(line.removeprefix(b"data:"))
                    if told.get("stage") == stage or told.get("ready") or told.get("failed"):
                        return asked
        raise AssertionError(f"the start never came to {stage}")

    def hub_killed(self) -> None:
        """The hub's process ends as by a power cut, and its container starts again."""
        hub = self.platform.container("hub")
        hub.kill()
        hub.start()
        self.platform.wait_until_open()


@pytest.fixture(scope="module")
def scene(engine: Engine, pytestconfig: pytest.Config) -> Iterator[Scene]:
    stub = stub_servers.make(engine, after=1)
    settings, root = {"JHUB_SIGNUP": "open", **stub.settings}, pytestconfig.rootpath
    with Platform(engine, root, "faults", settings=settings, config=stub.config) as platform:
        admin = platform.first_admin()
        yield Scene(platform, admin, Person(platform.url, "ann").join())


def hub_killed_in(stage: str) -> Callable[[Scene], None]:
    """The hub is killed when a start has come to this stage."""

    def act(scene: Scene) -> None:
        scene.begin(stage)
        scene.hub_killed()

    return act


def cancelled_in(stage: str) -> Callable[[Scene], None]:
    """Stop is pressed while the start is at this stage."""

    def act(scene: Scene) -> None:
        asked = scene.begin(stage)
        answer = scene.api("DELETE")
        assert answer.status_code in (202, 204), f"{answer.status_code} {answer.text[:300]}"
        # Ready is ready: a start may be faster than the button.
        assert asked.result(PATIENCE).status_code in (201, 202, 409), asked.result().text[:300]

    return act


def stopped_without_filter(scene: Scene) -> None:
    """Stop is pressed while the engine cannot be reached."""
    scene.ann.choose(PROFILE)
    scene.platform.compose("stop", "--timeout", "1", "engine")
    assert scene.api("DELETE").status_code in (202, 204)
    wait_until(lambda: not scene.server()["pending"], "the stop to be over")
    report = scene.report()
    assert report["engine_away"]
    assert [one["user"] for one in report["promised"]] == ["ann"]
    assert len(scene.platform.servers("ann")) == 1
    scene.platform.compose("start", "engine")


def network_removed(scene: Scene) -> None:
    """Somebody removes the network of a running server."""
    scene.ann.choose(PROFILE)
    (network,) = scene.networks()
    network.reload()
    for container in network.attrs["Containers"]:
        network.disconnect(container, force=True)
    network.remove()
    scene.until_agreed()
    assert "has lost its network" in scene.ann.hub.get("home").text


def container_removed(scene: Scene) -> None:
    """Somebody removes the container of a running server."""
    scene.ann.choose(PROFILE)
    (container,) = scene.platform.servers("ann")
    container.remove(force=True)


def container_killed(scene: Scene) -> None:
    """Somebody kills it."""
    scene.ann.choose(PROFILE)
    (container,) = scene.platform.servers("ann")
    container.kill()
    scene.until_agreed()
    assert "It was killed from outside" in scene.ann.hub.get("home").text


def container_paused(scene: Scene) -> None:
    """Somebody pauses it."""
    scene.ann.choose(PROFILE)
    (container,) = scene.platform.servers("ann")
    container.pause()
    told = [one["sentence"] for one in scene.report()["differences"]]
    assert ["is paused" in one for one in told] == [True]


def home_removed(scene: Scene) -> None:
    """Somebody removes the home of a person whose server is stopped."""
    name = f"{scene.platform.environment['JHUB_USER_VOLUME_PREFIX']}ann"
    scene.platform.engine.client.volumes.get(name).remove()
    answer = scene.api("POST", json={"profile": PROFILE})
    assert "is not there any more" in answer.text + scene.ann.hub.get("home").text, answer.text


def database_lost(scene: Scene) -> None:
    """The database is gone while homes exist and a server runs; somebody signs up as `ann`."""
    platform = scene.platform
    scene.ann.choose(PROFILE)
    (before,) = platform.servers("ann")
    platform.container("hub").exec_run(["rm", "/srv/jupyterhub/jupyterhub.sqlite"])
    scene.hub_killed()
    for person in (scene.admin, scene.ann):
        person.session.cookies.clear()
    # The one-time password is a new one: so is the account.
    scene.admin.password = platform.one_time_password()
    scene.admin.log_in()
    assert scene.admin.change_password(secrets.token_urlsafe(12)).ok
    scene.ann.join()
    (after,) = platform.servers("ann")
    assert after.id == before.id, "somebody's work was ended"
    refused = scene.api("POST", json={"profile": PROFILE})
    assert "another database" in refused.text + scene.ann.hub.get("home").text
    assert f"{platform.environment['JHUB_USER_VOLUME_PREFIX']}ann<" in scene.admin.hub.get(
        "homes"
    ).text.replace("\n", "")
    after.remove(force=True)
    scene.ann.choose(PROFILE)
    (container,) = platform.servers("ann")
    mounted = [one["Name"] for one in container.attrs["Mounts"] if one.get("Name")]
    assert mounted == [f"{platform.environment['JHUB_USER_VOLUME_PREFIX']}ann.2"]


@dataclass(frozen=True)
class Fault:
    """One fault; `seen` is what the person and the log are told, `act` checks it."""

    title: str
    seen: str
    act: Callable[[Scene], None]


FAULTS = (
    *(
        Fault(
            f"Stop is pressed while the start is at `{stage}`",
            "the start is over at once, nothing is left",
            cancelled_in(stage),
        )
        for stage in STAGES
    ),
    *(
        Fault(
            f"the hub is killed while the start is at `{stage}`",
            "the server comes up and is taken over, or what there is of it is removed",
            hub_killed_in(stage),
        )
        for stage in STAGES
    ),
    Fault(
        "Stop is pressed while the filter is down",
        "the server is gone for its person; its memory stays promised under its name and it is "
        "ended when the engine answers",
        stopped_without_filter,
    ),
    Fault(
        "the network of a running server is removed",
        "the server is stopped, and its person reads that it lost its network",
        network_removed,
    ),
    Fault("the container is removed", "the server is stopped", container_removed),
    Fault("the container is killed", "its person reads so", container_killed),
    Fault("the container is paused", "log and report say so", container_paused),
    Fault(
        "the home of somebody whose server is stopped is removed",
        "the next start says so and starts nothing; the one after it begins with an empty home",
        home_removed,
    ),
    Fault(
        "the database is lost, and somebody signs up under the old name",
        "what runs goes on, and nobody gets its place; the old home is given to nobody and on the "
        "page Homes; the newcomer has an empty one",
        database_lost,
    ),
)

HEAD = f"""# What happens when something goes wrong

Tried on a real platform by `integration/test_faults.py`, which writes this page
(`{WRITE}=1`) and fails when something else happens. After each fault, within two minutes,
hub, engine and promised memory agreed, nothing was left over, and the person started and stopped a
server with one click. The hub's unit tests try the same at every single call that a start makes to
the engine (`packages/hub/tests/unit/test_faults.py`): cancelled while the engine hangs there, the
engine away from there on, the hub killed before and after it.

| what goes wrong | what is seen |
| --- | --- |
"""


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.act.__name__)
def test_after_a_fault_all_agree_and_one_click_starts(fault: Fault, scene: Scene) -> None:
    fault.act(scene)
    scene.until_agreed()
    scene.one_click()
    log = scene.platform.container("hub").logs().decode()
    assert "Traceback" not in log, log[log.index("Traceback") - 500 :][:3000]


def test_the_page_says_so() -> None:
    rows = "".join(f"| {fault.title} | {fault.seen} |\n" for fault in FAULTS)
    if os.environ.get(WRITE):
        PAGE.write_text(HEAD + rows, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == HEAD + rows
