"""The filter as it runs, in front of the real engine: hostile calls are refused, nothing is made.

What each rule decides is tested in `unit/`; here the whole way through HTTP
counts, and what the engine has afterwards.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import hostile_calls as hostile
import pytest
from docker.models.containers import Container
from docker.types import IPAMConfig, IPAMPool

from jhub_docker.catalog.identity import LABEL
from jhub_testing.archives import archive
from jhub_testing.resources import Engine
from jhub_testing.subject import Subject
from jhub_testing.waiting import PATIENCE, wait_until

FILES = "/tmp"  # noqa: S108  in the containers
OFFER = {
    "name": "uv-lab",
    "profiles": {"small": {"mem_limit": "1G", "cpu_limit": 1, "cpu_guarantee": 1}},
}

SENDER = """
import http.client, json, socket

def connect():
    raw = socket.socket(socket.AF_UNIX)
    raw.settimeout(300)
    raw.connect("/run/engine/docker.sock")
    return raw

told = []
for method, target, body in json.load(open("/tmp/calls.json")):
    connection = http.client.HTTPConnection("localhost")
    connection.sock = connect()
    connection.putrequest(method, target, skip_accept_encoding=True)
    data = body.encode()
    if data:
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", str(len(data)))
    connection.endheaders(data or None)
    answer = connection.getresponse()
    told.append([answer.status, answer.read().decode()])
    connection.close()
raw_told = []
for raw in json.load(open("/tmp/raw.json")):
    connection, got = connect(), b""
    try:
        connection.sendall(raw.encode("latin-1"))
        while chunk := connection.recv(65536):
            got += chunk
    except OSError:
        pass
    raw_told.append(got.decode("latin-1"))
    connection.close()
print(json.dumps([told, raw_told]))
"""


@dataclass
class Running:
    """The filter in its container, and the things of the engine that calls are about."""

    engine: Engine
    reference: str
    world: Any
    socket_volume: str

    def send(
        self, calls: list[tuple[str, str, str]], raw: list[bytes] | None = None
    ) -> tuple[list[tuple[int, str]], list[str]]:
        """Make calls as the hub's user does; returns status and body of each."""
        sender = self.engine.client.containers.create(
            self.reference,
            ["python", f"{FILES}/send.py"],
            name=self.engine.name("sender"),
            labels=self.engine.labels,
            network_mode="none",
            cap_drop=["ALL"],
            volumes={self.socket_volume: {"bind": "/run/engine", "mode": "ro"}},
        )
        files = {
            "send.py": SENDER.encode(),
            "calls.json": json.dumps(calls).encode(),
            "raw.json": json.dumps([one.decode("latin-1") for one in raw or []]).encode(),
        }
        sender.put_archive(FILES, archive(files))
        sender.start()
        code = sender.wait(timeout=PATIENCE)["StatusCode"]
        output = sender.logs(stdout=True, stderr=code != 0).decode()
        assert code == 0, output
        self.engine.remove(sender)
        told, raw_told = json.loads(output)
        return [(status, body) for status, body in told], raw_told

    def made(self) -> list[str]:
        """Names of all that carries the platform's label or a name of the hostile calls."""
        api = self.engine.client.api
        name, platform = self.world.name, {"label": f"{LABEL}.platform={self.world.platform}"}
        listed = [
            *(one["Names"][0] for one in api.containers(all=True, filters=platform)),
            *(one["Names"][0] for one in api.containers(all=True, filters={"name": name})),
            *(one["Name"] for one in api.networks(filters=platform)),
            *(one["Name"] for one in api.volumes(filters=platform)["Volumes"] or []),
            *(one["Name"] for one in api.volumes(filters={"name": self.world.home})["Volumes"]),
        ]
        return sorted(set(listed))


@pytest.fixture(scope="module", params=[None, 1234], ids=["plain", "root"])
def running(
    request: pytest.FixtureRequest, engine: Engine, subjects: dict[str, Subject]
) -> Iterator[Running]:
    """The filter with a platform of the test's own, and things of somebody else around it.

    Once as it is by default, once where servers start as root (JHUB_NB_UID).
    """
    subject, nb_uid = subjects["hub"], request.param
    base = f"jhub-test-{engine.session}-filter{nb_uid or ''}"
    world = hostile.World(
        nb_uid=nb_uid,
        platform=base,
        prefix=f"{base}-jupyter",
        volume_prefix=f"{base}-home-",
        shared_prefix=f"{base}-shared-",
        network=f"{base}-net",
        image=f"local/{base}:offered",
        other_image=f"local/{base}-other:offered",
        other_container=f"{base}-database",
        other_volume=f"{base}-home-elsewhere",
        other_network=f"{base}-foreign",
        pool="10.253" if nb_uid else "10.254",
        hub=f"{base}-hub-1",
        data_volume=f"{base}-data",
    )
    engine.own_project(base)
    things = list(make_things(engine, subject.reference, world))
    sockets = engine.volume("engine-socket")
    filter_container = engine.client.containers.run(
        subject.reference,
        ["engine"],
        detach=True,
        name=engine.name("engine"),
        labels=engine.labels,
        user="0:990",
        network_mode="none",
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
        read_only=True,
        tmpfs={FILES: ""},
        volumes={
            sockets: {"bind": "/run/engine"},
            "/var/run/docker.sock": {"bind": "/var/run/docker.sock"},
        },
        environment={
            "JHUB_PLATFORM": base,
            "JHUB_NETWORK": world.network,
            "JHUB_IMAGE_TAG": world.image.rpartition(":")[2],
            "JHUB_CONTAINER_PREFIX": world.prefix,
            "JHUB_USER_VOLUME_PREFIX": world.volume_prefix,
            "JHUB_SHARED_VOLUME_PREFIX": world.shared_prefix,
            "JHUB_ADDRESS_POOL": f"{world.pool}.0.0/16",
            "JHUB_NB_UID": str(nb_uid or ""),
        },
    )
    things.append(filter_container)
    engine.watch(filter_container)

    def healthy() -> bool:
        filter_container.reload()
        return bool(filter_container.attrs["State"]["Health"]["Status"] == "healthy")

    wait_until(healthy, "the filter")
    yield Running(engine, subject.reference, world, sockets)
    for thing in things:
        engine.remove(thing)
    engine.remove_project(base)


def make_things(engine: Engine, reference: str, world: Any) -> Iterator[Container]:
    """What the hostile calls are aimed at."""
    client, ours = engine.client, {f"{LABEL}.platform": world.platform}
    for image, labels in (
        (world.image, {f"{LABEL}.profiles": json.dumps(OFFER)}),
        (world.other_image, {}),
    ):
        repository, tag = image.rsplit(":", 1)
        changes = [f"LABEL {k}={json.dumps(v)}" for k, v in (engine.labels | labels).items()]
        client.api.import_image_from_data(
            archive({"empty": b""}), repository=repository, tag=tag, changes=[*changes, 'CMD ["x"]']
        )
    client.volumes.create(world.data_volume, labels=engine.labels | ours)
    # The engine would make it for a container that is permitted, without a label to remove it by.
    client.volumes.create(world.home, labels=engine.labels | ours)
    client.volumes.create(
        world.other_volume, labels=engine.labels | {f"{LABEL}.platform": "somebody-else"}
    )
    client.networks.create(world.other_network, labels=engine.labels, driver="bridge")
    client.networks.create(
        world.server_network,
        driver="bridge",
        labels=engine.labels | hostile.labels(world),
        ipam=IPAMConfig(pool_configs=[IPAMPool(subnet=hostile.subnet(world))]),
    )
    service = {"com.docker.compose.service": "hub"}
    for name, labels in ((world.hub, ours | service), (world.other_container, {})):
        yield client.containers.run(
            reference,
            ["sleep", "infinity"],
            detach=True,
            name=name,
            network_mode="none",
            labels=engine.labels | labels,
        )


def test_every_hostile_call_is_refused_and_nothing_is_made(running: Running) -> None:
    before = running.made()
    cases = list(hostile.cases(running.world))
    assert len(cases) >= 80
    told, _ = running.send([(case.method, case.target, case.body) for case in cases])
    passed = [
        f"{case.title}: {status} {body[:200]}"
        for case, (status, body) in zip(cases, told, strict=True)
        if status != 403 or "engine filter: " not in body
    ]
    assert not passed, "\n".join(passed)
    assert running.made() == before
    for name in (running.world.hub, running.world.other_container):
        assert running.engine.client.containers.get(name).status == "running"


def test_what_is_not_plain_http_is_refused(running: Running) -> None:
    _, told = running.send([], [raw + hostile.LAST for raw in hostile.RAW.values()])
    for title, answer in zip(hostile.RAW, told, strict=True):
        statuses = [line.split()[1] for line in answer.splitlines() if line.startswith("HTTP/1.")]
        assert statuses in (["400"], ["403"]), f"{title}: {answer[:300]!r}"


def test_what_the_hub_needs_is_made_and_removed(running: Running) -> None:
    """Otherwise a filter that refuses everything would pass the other tests."""
    world = running.world
    server = f"/v1.45/containers/{world.name}"
    home = {"Name": f"{world.volume_prefix}ann", "Driver": None, "Labels": hostile.labels(world)}
    bodies = [hostile.creation(world), hostile.network(world), home]
    creation, network, volume = (json.dumps(body) for body in bodies)
    calls = [
        ("GET", "/version", "", 200),
        ("POST", f"/v1.45/containers/create?name={world.name}", creation, 201),
        ("GET", f"{server}/json", "", 200),
        ("DELETE", f"{server}?v=True&force=True", "", 204),
        ("GET", f"{server}/json", "", 404),
        ("POST", "/v1.45/networks/create", network, 201),
        ("DELETE", f"/v1.45/networks/{world.new_network}", "", 204),
        ("POST", "/v1.45/volumes/create", volume, 201),
        ("DELETE", f"/v1.45/volumes/{world.volume_prefix}ann", "", 204),
    ]
    told, _ = running.send([(method, target, body) for method, target, body, _ in calls])
    assert [status for status, _ in told] == [status for *_, status in calls], told


def test_lists_hold_nothing_of_others(running: Running) -> None:
    world, kinds = running.world, ("containers/json?all=1", "volumes", "images/json")
    told, _ = running.send([("GET", f"/v1.45/{kind}", "") for kind in kinds])
    text = " ".join(body for _, body in told)
    assert {status for status, _ in told} == {200}
    assert world.hub in text
    for others in (world.other_container, world.other_volume, world.other_image):
        assert others not in text


def test_a_log_is_passed_on_while_it_is_written(running: Running) -> None:
    """As pulls are: the answer has no end, so the filter must not wait for one."""
    engine, name = running.engine, f"{running.world.prefix}-writer"
    server = engine.client.containers.run(
        running.reference,
        ["python", "-uc", "import time\nwhile True: print('tick'); time.sleep(0.1)"],
        detach=True,
        name=name,
        network_mode="none",
        labels=engine.labels | hostile.labels(running.world),
    )
    follow = f"/v1.45/containers/{name}/logs?stdout=1&stderr=1&follow=1&tail=20"
    listen = (
        "import socket; one = socket.socket(socket.AF_UNIX); one.settimeout(300);"
        "one.connect('/run/engine/docker.sock');"
        f"one.sendall(b'GET {follow} HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n');"
        "got = b''\nwhile got.count(b'tick') < 5: got += one.recv(65536)\nprint('heard')"
    )
    heard = engine.run(
        running.reference,
        ["/opt/hub/bin/python", "-c", listen],
        network_mode="none",
        volumes={running.socket_volume: {"bind": "/run/engine", "mode": "ro"}},
    )
    assert heard.strip() == "heard"
    engine.remove(server)
    told, _ = running.send([("GET", "/_ping", "")])
    assert told == [(200, "OK")]


def test_the_filter_has_nothing_but_two_sockets(running: Running) -> None:
    (container,) = (
        one
        for one in running.engine.client.containers.list(ignore_removed=True)
        if one.attrs["Config"]["Cmd"] == ["engine"] and running.engine.session in one.name
    )
    script = "grep -E '^(CapEff|CapPrm|CapBnd|NoNewPrivs)' /proc/1/status; ls /sys/class/net"
    output = container.exec_run(["sh", "-c", script]).output.decode().split()
    assert output == [
        *("CapPrm:", "0" * 16, "CapEff:", "0" * 16, "CapBnd:", "0" * 16, "NoNewPrivs:", "1", "lo")
    ]
