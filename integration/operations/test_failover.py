"""Two hubs on one PostgreSQL: the one that leads is killed, frozen or cut off from its database at
each stage of somebody's start, and the other one goes on.

With JHUB_TEST_WRITE_DOCS=1 the figures are written into docs/failover.md.
"""

import os
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests
from docker.models.containers import Container

from jhub_docker.platform import public_images
from jhub_testing.kernel import Kernel
from jhub_testing.person import Person
from jhub_testing.platforms import Platform
from jhub_testing.resources import Engine
from jhub_testing.waiting import PATIENCE, wait_until

from .balancer import before

HUBS = ("hub", "standby")
URL = "postgresql+psycopg://jupyterhub@records/jupyterhub"
SERVE = """set -eu; PATH="$PATH:$(echo /usr/lib/postgresql/*/bin)"; export PGDATA=/database/pg
initdb --username=jupyterhub --auth=trust --encoding=UTF8 --locale=C.UTF-8
echo 'host all all all trust' >>"$PGDATA/pg_hba.conf"
echo 'CREATE DATABASE jupyterhub' | postgres --single -D "$PGDATA" postgres
exec postgres -c listen_addresses='*' -c unix_socket_directories=/tmp"""
LEADS = (
    "SELECT split_part(application_name, ' ', 2) FROM pg_locks JOIN pg_stat_activity USING (pid)"
    " WHERE locktype = 'advisory' AND granted"
)
TOUCHED = "import os, time; print(time.time() - os.stat('/tmp/waiting').st_mtime)"
PAGE = Path(__file__).parents[2] / "docs" / "failover.md"
RULE = "| --- | --- | --- | --- | --- |\n"
PROFILE = "uv-marimo-small"


@dataclass
class Pair:
    """The platform with its two hubs, and the network of its database."""

    platform: Platform
    database: Container
    network: str
    balancer: Container
    rows: dict[str, dict[str, float]] = field(default_factory=dict)

    def leader(self) -> str:
        """The service whose hub has the lock; empty for none."""
        asked = ["psql", "-h", "/tmp", "-U", "jupyterhub", "-Atc", LEADS, "jupyterhub"]  # noqa: S108
        code, said = self.database.exec_run(asked)
        assert code == 0, said.decode()
        return str(said.decode().strip())

    def is_well(self, expected: str = "") -> bool:
        """Whether a hub answers through the proxy; `expected` is the one that leads."""
        try:
            answer = requests.get(f"{self.platform.url}/hub/health", timeout=2)
        except requests.RequestException:
            return False
        return answer.ok and (not expected or self.leader() == expected)

    def balanced(self) -> str:
        """The hub that HAProxy sends people to; empty for none."""
        ask = "import http.client as h; c = h.HTTPConnection('127.0.0.1', 8000, timeout=5);"
        ask += "c.request('GET', '/hub/health'); print(c.getresponse().headers['X-Hub'] or '')"
        code, said = self.balancer.exec_run(["python", "-c", ask])
        return str(said.decode().strip()) if code == 0 else ""

    def kill(self, hub: Container) -> None:
        hub.kill()

    def revive(self, hub: Container) -> None:
        hub.start()

    def freeze(self, hub: Container) -> None:
        hub.pause()

    def thaw(self, hub: Container) -> None:
        hub.unpause()

    def cut(self, hub: Container) -> None:
        self.platform.engine.client.networks.get(self.network).disconnect(hub, force=True)

    def mend(self, hub: Container) -> None:
        self.platform.engine.client.networks.get(self.network).connect(hub)


FAULTS: dict[str, tuple[Callable[[Pair, Container], None], Callable[[Pair, Container], None]]] = {
    "killed": (Pair.kill, Pair.revive),
    "frozen": (Pair.freeze, Pair.thaw),
    "cut off from the database": (Pair.cut, Pair.mend),
}


@pytest.fixture(scope="module")
def pair(
    engine: Engine, pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    settings = {
        "JHUB_SIGNUP": "open",
        "COMPOSE_PROFILES": "standby",
        "JHUB_FAILOVER": "true",
        "JHUB_DB_URL": URL,
    }
    platform = Platform(engine, pytestconfig.rootpath, "failover", settings=settings)
    engine.own_project(platform.project)
    platform.compose("create")
    network = engine.network("records")
    database = engine.client.containers.run(
        public_images.image(platform.root, "postgres"),
        ["-c", SERVE],
        entrypoint=["sh"],
        user="postgres",
        name=engine.name("records"),
        labels=engine.labels,
        tmpfs={"/database": "size=300m,mode=1777"},
        network=network,
        networking_config={network: engine.endpoint("records")},
        init=True,
        detach=True,
    )
    for service in HUBS:
        engine.client.networks.get(network).connect(platform.container(service))
    names = {service: str(platform.container(service).name) for service in HUBS}
    with platform:
        place = tmp_path_factory.mktemp("balancer")
        pair = Pair(platform, database, network, before(engine, platform, names, place))
        pair.balancer.start()
        yield pair
        if os.environ.get("JHUB_TEST_WRITE_DOCS"):
            write(pair.rows)
        engine.remove(pair.balancer)
    engine.keep_log(database)
    engine.remove(database)


@pytest.fixture(scope="module")
def ben(pair: Pair) -> Iterator[tuple[Person, Kernel]]:
    """Somebody whose kernel nobody ends."""
    ben = Person(pair.platform.url, "ben").join().choose("uv-lab-small")
    with Kernel(ben.server) as kernel:
        kernel.execute("kept = 42")
        yield ben, kernel


def reaches(pair: Pair, person: Person, stage: str) -> bool:
    """Whether the start of this person's server is that far."""
    client = pair.platform.engine.client
    match stage:
        case "asked for":
            return True
        case "network made":
            label = f"io.jhub-docker.user={person.name}"
            return bool(client.networks.list(filters={"label": label}))
        case "container started":
            return [one.status for one in pair.platform.servers(person.name)] == ["running"]
        case _:
            user = person.hub.get(f"api/users/{person.name}").json()
            return bool(user["servers"].get("", {}).get("ready"))


STAGES = ("asked for", "network made", "container started", "ready")


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("fault", FAULTS)
def test_the_other_hub_goes_on(
    pair: Pair, ben: tuple[Person, Kernel], fault: str, stage: str
) -> None:
    platform, (person, kernel) = pair.platform, ben
    first = wait_until(pair.leader, "a hub")
    second = next(one for one in HUBS if one != first)
    hub = platform.container(first)
    ann = Person(pair.platform.url, f"ann-{secrets.token_hex(4)}").join()
    assert ann.start_by_api({"profile": PROFILE}).status_code in (201, 202)
    wait_until(lambda: reaches(pair, ann, stage), f"a start to be {stage}")

    inject, heal = FAULTS[fault]
    kernel.reconnect()  # nobody answered the server's pings meanwhile
    inject(pair, hub)
    began = time.monotonic()
    wait_until(lambda: pair.is_well(second), "the other hub", patience=PATIENCE)
    pair.rows.setdefault(fault, {})[stage] = time.monotonic() - began

    wait_until(lambda: pair.balanced() == second, "HAProxy to send people to the other hub")
    assert kernel.execute("kept") == "42", "the kernel, on the connection that it had"
    assert person.is_logged_in()
    assert ann.is_logged_in()
    wait_until(lambda: agrees(pair, ann), "what runs to be what the hub knows")
    heal(pair, hub)
    wait_until(lambda: waits(platform, first), "the first hub to wait for its turn")
    assert pair.leader() == second
    if not reaches(pair, ann, "ready"):
        assert ann.start_by_api({"profile": PROFILE}).status_code in (201, 202)
    ann.wait_until_served()
    assert agrees(pair, ann)
    ann.stop()
    wait_until(lambda: not platform.servers(ann.name), "the server to be gone")


def agrees(pair: Pair, person: Person) -> bool:
    """Whether this person has one container and one network, or none, as the hub says."""
    user = person.hub.get(f"api/users/{person.name}").json()
    if user["pending"]:
        return False
    wanted = ["running"] * bool(user["servers"].get("", {}).get("ready"))
    there = [one.status for one in pair.platform.servers(person.name)]
    label = f"io.jhub-docker.user={person.name}"
    networks = pair.platform.engine.client.networks.list(filters={"label": label})
    return there == wanted and len(networks) == len(wanted)


def waits(platform: Platform, service: str) -> bool:
    hub = platform.container(service)
    if hub.status != "running":
        return False
    code, said = hub.exec_run(["python", "-c", TOUCHED])
    return code == 0 and float(said) < 5


def write(rows: dict[str, dict[str, float]]) -> None:
    """Put the figures into the page's table, all anew."""
    head, _, rest = PAGE.read_text("utf-8").partition(RULE)
    lines = (
        f"| {fault} | {' | '.join(cell(rows.get(fault, {}), stage) for stage in STAGES)} |\n"
        for fault in FAULTS
    )
    text = rest.partition("\n\n")[2]
    PAGE.write_text(f"{head}{RULE}{''.join(lines)}\n{text}", encoding="utf-8")


def cell(found: dict[str, float], stage: str) -> str:
    return f"{found[stage]:.1f} s" if stage in found else "not measured"
