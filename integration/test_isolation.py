"""What a server can reach, tried from inside it, and again after everything that may be restarted;
nobody at work is dropped when that is the engine.

The cases are in jhub_testing.isolation.cases, their results in docs/isolation.md.
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from docker.errors import APIError
from docker.models.containers import Container

from jhub_docker.catalog.identity import LABEL
from jhub_docker.host.daemon import Daemon
from jhub_testing.isolation import cases, world
from jhub_testing.isolation.neighbour import Neighbour
from jhub_testing.operator import Operator
from jhub_testing.person import MakePerson, Person
from jhub_testing.platforms import SUDO_PROFILE, Platform
from jhub_testing.turns import Turns
from jhub_testing.waiting import PATIENCE, DeadlineReachedError, wait_until
from jhub_testing.work import at_work

PROFILE = "uv-lab-small"
PRIVATE_NETWORKS: list[tuple[str, dict[str, str], bool]] = [
    ("by default", {}, True),
    ("blocked", {"JHUB_BLOCK_PRIVATE_NETWORKS": "true"}, False),
    (
        "blocked but for one",
        {"JHUB_BLOCK_PRIVATE_NETWORKS": "true", "JHUB_ALLOWED_DESTINATIONS": "{neighbour}"},
        True,
    ),
]
"""Settings of the firewall, and whether a machine on a private network is reached then."""


class Scene:
    """Two people, four servers, and what is around them; and somebody who comes and goes."""

    def __init__(
        self, platform: Platform, people: tuple[Person, Person, Person], root: Path, turns: Turns
    ) -> None:
        self.platform, self.turns = platform, turns
        self.person, self.peer, self.visitor = people
        self.world = world.World(platform, root)
        self.outcomes: dict[str, dict[str, str]] = {}

    def server(self, user: str, name: str = "") -> Container:
        found = self.platform.servers(user)
        return next(one for one in found if one.labels[f"{LABEL}.server"] == name)

    def look(self, event: str) -> None:
        """Try everything and note it under the event."""
        as_root = event == cases.AS_ROOT
        own = self.server(self.person.name, "root" if as_root else "")
        second = self.server(self.person.name, "second")
        peer = self.server(self.peer.name)
        for container in (second, peer, self.platform.container("hub")):
            self.world.listen_in(container)
        attempts = self.world.attempts(own, second, peer)

        def as_expected() -> bool:
            self.outcomes[event] = world.try_all(own, attempts, as_root=as_root)
            return not world.unexpected(self.outcomes[event])

        # Listeners need a moment, and so do attachments that are being made anew.
        with contextlib.suppress(DeadlineReachedError):
            wait_until(as_expected, "all outcomes", ignoring=APIError)
        assert world.unexpected(self.outcomes[event]) == {}, event

    def wait_until_served(self) -> None:
        """Wait until hub and proxy are back, and the servers are reached through them."""
        self.platform.wait_until_open()
        self.person.wait_until_served()
        self.peer.wait_until_served()

    def start_servers(self) -> None:
        """One server for each, and of the person's two more, `second` and, with sudo, `root`."""
        for one in (self.person, self.peer):
            answer = one.start_by_api({"profile": PROFILE})
            assert answer.ok, answer.text
        others = {"second": PROFILE, "root": SUDO_PROFILE}
        for name, profile in others.items():
            path = f"api/users/{self.person.name}/servers/{name}"
            answer = self.person.hub.post(path, json={"profile": profile})
            assert answer.ok, answer.text
        self.wait_until_served()

        def ready() -> bool:
            servers = self.person.hub.get(f"api/users/{self.person.name}").json()["servers"]
            return all(servers[name]["ready"] for name in others)

        wait_until(ready, "the other servers")

    # -- events, called as they are in the table ------------------------------------------------

    def server_restarted(self) -> None:
        # Paused, the hub cannot look just then, find no server and clean up after it.
        hub = self.platform.container("hub")
        hub.pause()
        try:
            self.server(self.person.name).restart(timeout=1)
        finally:
            hub.unpause()

    def hub_restarted(self) -> None:
        # What a hub that was killed between network and container leaves.
        networks = self.platform.engine.client.networks
        labels = {f"{LABEL}.platform": self.platform.project, f"{LABEL}.user": "nobody"}
        networks.create(f"{self.platform.environment['JHUB_NETWORK']}-nobody", labels=labels)
        self.platform.container("hub").restart(timeout=5)
        wanted = {"label": [f"{key}={value}" for key, value in labels.items()]}
        wait_until(lambda: not networks.list(filters=wanted), "the unused network to go")

    def hub_recreated(self) -> None:
        self._recreate("hub")

    def proxy_recreated(self) -> None:
        self._recreate("proxy")

    def engine_restarted(self) -> None:
        if Daemon().running() is None:
            pytest.skip("this engine was not started by ./dev, so it is not for a test to restart")
        own = self.server(self.person.name).id
        with (
            at_work(self.person.server) as work,
            self.turns.alone(self.platform.engine),
        ):
            work.goes_on_while(self._restart_the_engine)
            assert self.person.is_logged_in()
            known = self.person.hub.get(f"api/users/{self.person.name}").json()["servers"]
            assert known[""]["ready"], "the hub forgot the server"
            assert self.server(self.person.name).id == own, "the server was started anew"
        self.visitor.choose(SUDO_PROFILE).stop()

    def _restart_the_engine(self) -> None:
        for task in ("engine.stop", "engine.start"):
            result = Operator(self.platform).invoke(task)
            assert result.returncode == 0, result.stderr
        wait_until(self.platform.engine.client.ping, "the engine")
        # The filter's container starts again to find the engine's new socket.
        wait_until(self.visitor.offered, "the hub to reach the engine again")

    def firewall_killed(self) -> None:
        self.platform.container("guard").kill()

    def _recreate(self, service: str) -> None:
        before = self.platform.container(service).id
        self.platform.compose("up", "--detach", "--force-recreate", "--no-deps", service)
        assert self.platform.container(service).id != before


@pytest.fixture(scope="module")
def scene(
    platform: Platform, make_person: MakePerson, turns: Turns, pytestconfig: pytest.Config
) -> Iterator[Scene]:
    people = make_person("iso-ada"), make_person("iso-ben"), make_person("iso-cleo")
    scene = Scene(platform, people, pytestconfig.rootpath, turns)
    scene.start_servers()
    scene.world.start()
    yield scene
    scene.world.stop()
    platform.compose("up", "--detach", "--wait", "--no-deps", "guard")


HAPPENS: dict[str, Callable[[Scene], None]] = {
    cases.BEFORE: lambda _: None,
    cases.AS_ROOT: lambda _: None,
    **dict(
        zip(
            cases.EVENTS,
            (
                Scene.engine_restarted,
                Scene.server_restarted,
                Scene.hub_restarted,
                Scene.hub_recreated,
                Scene.proxy_recreated,
                Scene.firewall_killed,
            ),
            strict=True,
        )
    ),
}


@pytest.mark.parametrize("event", HAPPENS)
def test_a_server_reaches_what_it_may_and_nothing_else(event: str, scene: Scene) -> None:
    HAPPENS[event](scene)
    scene.wait_until_served()
    scene.look(event)


def test_without_its_firewall_the_hub_starts_no_server(scene: Scene) -> None:
    guard = scene.platform.container("guard")
    assert guard.status == "exited", "the test before kills it"
    scene.person.hub.get("home")
    path = f"api/users/{scene.person.name}/servers/third"
    scene.person.hub.post(path, json={"profile": PROFILE})
    # The answer comes before the end where the engine takes its time; the events wait for it.
    events = scene.person.hub.get(f"{path}/progress", timeout=PATIENCE).text
    assert '"failed": true' in events
    assert "firewall is not in place" in events


def test_private_networks_around_the_host_are_blocked_where_that_is_set(scene: Scene) -> None:
    """Behind the rules of the firewall's container as it is started anew with other settings."""
    platform, own = scene.platform, scene.server(scene.person.name)
    before = dict(platform.environment)
    with Neighbour(platform) as neighbour:
        probes = (["tcp", neighbour.address, neighbour.port], ["tcp", "hub", world.HUB_API])
        assert world.reached(scene.world.stranger, probes[0]) == [True], "it is not there"
        for title, settings, wanted in PRIVATE_NETWORKS:
            for name, value in settings.items():
                platform.environment[name] = value.format(neighbour=neighbour.address)
            try:
                platform.compose("up", "--detach", "--wait", "--no-deps", "guard")
            finally:
                platform.environment = dict(before)
            assert world.reached(own, *probes) == [wanted, True], title


def test_the_documented_matrix_is_what_was_seen(scene: Scene, pytestconfig: pytest.Config) -> None:
    seen = cases.table(scene.outcomes)
    assert seen == cases.expected(scene.outcomes)
    page = pytestconfig.rootpath / "docs" / "isolation.md"
    if set(HAPPENS) - set(scene.outcomes) == {"engine restarted"}:
        return  # the column of an engine that is not ours comes from a run where it is
    if os.environ.get(cases.WRITE_VARIABLE):
        page.parent.mkdir(exist_ok=True)
        page.write_text(seen, encoding="utf-8")
    assert page.read_text(encoding="utf-8") == seen, (
        f"set {cases.WRITE_VARIABLE}=1 to write it anew"
    )
