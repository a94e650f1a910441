"""A person's path and bad days on a swarm: as on one host, in the same words."""

from pathlib import Path
from typing import Any

import pytest

from jhub_docker import catalog as catalogs
from jhub_testing import steps
from jhub_testing.person import MakePerson, Person
from jhub_testing.platforms import Platform
from jhub_testing.waiting import wait_until

from .nodes import ADDRESSES, MANAGER, REGISTRY, Swarm

MARIMO = next(
    one
    for one in catalogs.load(Path(__file__).parents[2] / "packages").singleuser
    if one.name == "uv-marimo"
)


SECOND = "second"
SMALL, STUB = "uv-marimo-small", "stub-s"
KEPT = {"type": "file", "format": "text", "content": "kept"}


def of(person: Person) -> dict[str, str]:
    """What a person's services and containers are found by."""
    return {"label": f"io.jhub-docker.user={person.name}"}


def services(swarm: Swarm, person: Person) -> list[Any]:
    """A person's services."""
    return list(swarm.manager.client.services.list(filters=of(person)))


def running(swarm: Swarm, person: Person) -> list[str]:
    """The nodes whose engines, asked themselves, run a container of that person's."""
    return [
        name
        for name, node in swarm.nodes.items()
        if node.daemon.running()
        for _ in node.client.containers.list(filters=of(person))
    ]


def noticed(person: Person) -> bool:
    """Whether the hub knows that the server ended."""
    user = person.hub.get(f"api/users/{person.name}").json()
    return user["server"] is None and user["pending"] is None


def start(person: Person) -> str:
    """Ask for a server; returns all that is said of it."""
    answer = person.start_by_api({"profile": SMALL})
    return answer.text + person.hub.get(f"spawn-pending/{person.name}").text


def kept(person: Person) -> str:
    """The content of the file that the person keeps."""
    return str(person.server.get("api/contents/kept.txt").json()["content"])


def in_team(admin: Person, person: Person) -> Person:
    """The person, who is a member of the group with a shared folder then."""
    admin.hub.get("home")
    admin.hub.post("api/groups/team")
    assert admin.hub.post("api/groups/team/users", json={"users": [person.name]}).ok
    return person


@pytest.fixture(scope="module")
def ann(make_person: MakePerson, admin: Person, swarm: Swarm) -> Person:
    """Somebody with a server on the hub's own node."""
    person = in_team(admin, make_person("ann.a"))
    swarm.set(SECOND, "pause")
    person.choose(SMALL)
    swarm.set(SECOND, "active")
    assert running(swarm, person) == [MANAGER]
    return person


@pytest.fixture(scope="module")
def at_second(make_person: MakePerson, admin: Person, swarm: Swarm) -> Person:
    """Somebody whose home is on another node than the hub."""
    for name in ("bob", "bert", "ben", "bill"):  # homes go where most memory is left
        person = in_team(admin, make_person(name)).choose(STUB)
        if (where := running(swarm, person)) == [SECOND]:
            break
    assert where == [SECOND]
    person.stop()
    return person


@pytest.fixture
def bob(at_second: Person) -> Person:
    """They, at work there."""
    if noticed(at_second):
        at_second.choose(SMALL)
    return at_second


def test_default_page(ann: Person) -> None:
    steps.opens_its_page(ann, MARIMO)


def test_sockets_behind_it(ann: Person) -> None:
    steps.works_behind_it(ann, MARIMO)


def test_files_are_there_after_stop_and_respawn(ann: Person, swarm: Swarm) -> None:
    steps.finds_files_again(ann, MARIMO, lambda: not services(swarm, ann))


def test_a_hub_that_starts_again_finds_the_servers(
    ann: Person, admin: Person, swarm: Swarm, platform: Platform
) -> None:
    before = [one.id for one in services(swarm, ann)]
    platform.container("hub").restart()
    assert ann.server.get("api").ok, "connections do not go through the hub"
    platform.wait_until_open()
    wait_until(lambda: not noticed(ann), "the hub to know the server", ignoring=ValueError)
    assert [one.id for one in services(swarm, ann)] == before
    assert kept(ann) == "kept"
    assert f"<td>{ann.name}</td>" not in admin.hub.get("homes").text, "it is no strange home"


def test_a_server_reaches_neither_its_node_nor_metadata(ann: Person, swarm: Swarm) -> None:
    """From the container itself: its node's engine port, which any container could reach."""
    (name,) = running(swarm, ann)
    (container,) = swarm.nodes[name].client.containers.list(filters=of(ann))
    tries = f"""
import socket
def reached(address):
    try:
        socket.create_connection(address, 3).close()
    except OSError:
        return False
    return True
tried = (("hub", 8081), ("{ADDRESSES[name]}", 2377), ("{ADDRESSES[name]}", 7946))
print([reached(address) for address in tried])
"""
    _, said = container.exec_run(["python3", "-c", tries])
    assert said.decode().strip() == "[True, False, False]"


def test_a_node_pulls_what_only_the_registry_has_by_digest(at_second: Person, swarm: Swarm) -> None:
    at_second.choose(STUB)
    (container,) = swarm.nodes[SECOND].client.containers.list(filters=of(at_second))
    at_second.stop()
    assert container.attrs["Config"]["Image"].startswith(f"{REGISTRY}/local/stub@sha256:")


def test_a_server_on_another_node_works_and_ends_with_a_drain(
    ann: Person, bob: Person, swarm: Swarm
) -> None:
    steps.works_behind_it(bob, MARIMO)
    place = "api/contents/shared/data/note.txt"
    assert ann.server.put(place, json=KEPT).ok
    assert bob.server.get(place).json()["content"] == "kept", "on the other node"
    with swarm.drained(SECOND):
        wait_until(lambda: noticed(bob), "the hub to notice")
        assert "its machine was drained" in bob.hub.get("home").text
        assert "is away or drained" in start(bob)
        assert running(swarm, bob) == []


@pytest.mark.parametrize("gone", ["killed", "cut_off"])
def test_a_node_that_is_gone_keeps_its_homes_until_it_is_back(
    bob: Person, swarm: Swarm, platform: Platform, gone: str
) -> None:
    bob.server.put("api/contents/kept.txt", json=KEPT)
    with getattr(swarm, gone)(SECOND):
        told = "which it runs, does not answer"
        wait_until(lambda: told in bob.hub.get("home").text, "the hub to say so")
        bob.hub.delete(f"api/users/{bob.name}/server")
        wait_until(lambda: noticed(bob), "the stop to be given up")
        said = start(bob)
        assert told in said, said
        wait_until(lambda: noticed(bob), "the start to be given up")
        others = {name: node for name, node in swarm.nodes.items() if name != SECOND}
        assert not any(node.client.containers.list(filters=of(bob)) for node in others.values())
    swarm.wait_for_guards(platform.project, len(ADDRESSES))
    wait_until(lambda: not running(swarm, bob), "what ran there to be ended")
    bob.choose(SMALL)
    assert kept(bob) == "kept"
    assert running(swarm, bob) == [SECOND], "one writer"


def test_servers_go_on_without_the_manager_and_are_known_when_it_is_back(
    ann: Person, bob: Person, swarm: Swarm, platform: Platform
) -> None:
    before = [one.id for one in services(swarm, bob)]
    ann.server.put("api/contents/kept.txt", json=KEPT)
    ann.stop()
    with swarm.killed(MANAGER):
        assert bob.server.get("api").ok, "hub and proxy are processes that go on"
        said = start(ann)
        assert "engine" in said.lower(), said
    platform.wait_until_open()
    wait_until(lambda: not noticed(bob), "the hub to know the server", ignoring=ValueError)
    bob.wait_until_served()
    assert [one.id for one in services(swarm, bob)] == before
    swarm.wait_for_guards(platform.project, len(ADDRESSES))
    ann.choose(SMALL)
    assert kept(ann) == "kept"


def test_with_three_managers_a_hub_whose_own_does_not_lead_goes_on(
    ann: Person, make_person: MakePerson, swarm: Swarm, platform: Platform
) -> None:
    """And so it does when the one that leads is killed, once another is elected."""
    ann.stop()
    swarm.promote()
    with swarm.killed(MANAGER):
        leads = swarm.elected(SECOND, MANAGER)
    platform.wait_until_open()
    swarm.wait_for_guards(platform.project, len(ADDRESSES))
    ann.choose(SMALL)
    assert kept(ann) == "kept"
    with swarm.killed(leads):
        swarm.elected(MANAGER, leads)
        assert ann.server.get("api").ok
        make_person("cleo").choose(SMALL)
