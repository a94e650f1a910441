"""GPUs that are none: a device of a made-up CDI specification is a server's alone, and comes back.

The specification names a plain device node and a variable, so all but the driver is real: what the
hub assigns, what the filter before the engine permits, what the engine puts into the container.
What can only be seen on a machine with a GPU is not: NVIDIA's specification, toolkit and libraries.
"""

from collections.abc import Iterator

import pytest
from docker.models.containers import Container

from jhub_docker.catalog.identity import LABEL
from jhub_testing.person import Person
from jhub_testing.waiting import wait_until

from .own_engine import GPUS
from .scene import GPU_PROFILE, Scene

PROGRAM = r"""
number=$(tr '\0' '\n' < /proc/1/environ | sed -n s/^FAKE_GPU=//p)
echo "$number" $(ls /dev | grep ^fake-gpu) $(head --bytes=1 "/dev/fake-gpu$number" | wc --bytes)
"""
"""The engine adds a specification's variable to a container's first process, and to no other."""


@pytest.fixture
def people(scene: Scene) -> Iterator[list[Person]]:
    """One more than there are devices; nobody else does anything meanwhile."""
    people = [Person(scene.platform.url, name) for name in ("gail", "greg", "gwen")]
    with scene.people.holding_still():
        for one in people:
            one.join()
        yield people
        for one in people:
            if scene.platform.servers(one.name):
                one.stop()


def server(scene: Scene, person: Person) -> Container:
    (found,) = scene.platform.servers(person.name)
    return found


def seen(container: Container) -> str:
    """The one device that is in a server: its variable, and a byte of its node."""
    ended, said = container.exec_run(["sh", "-c", PROGRAM])
    assert ended == 0, said
    number, nodes, read = said.decode().split()
    assert (nodes, read) == (f"fake-gpu{number}", "1")
    name = f"{GPUS[0].partition('=')[0]}={number}"
    assert container.labels[f"{LABEL}.devices"] == name
    return name


def test_each_has_a_device_alone_until_there_is_none_and_it_comes_back(
    scene: Scene, people: list[Person]
) -> None:
    first, second, third = people
    for one in (first, second):
        one.choose(GPU_PROFILE)
    assert [seen(server(scene, one)) for one in (first, second)] == GPUS
    assert "gpu: 0 of 2 are free." in third.hub.get("spawn").text
    refused = third.start_by_api({"profile": GPU_PROFILE})
    assert refused.status_code == 503
    assert "It needs 1 gpu, and 0 of 2 are free." in refused.text
    assert not scene.platform.servers(third.name)

    # Behind the hub's back: what it finds when it compares is what counts.
    server(scene, first).remove(force=True)
    wait_until(
        lambda: "gpu: 1 of 2 are free." in third.hub.get("spawn").text,
        "the device of the server that is gone to be free",
    )
    asked = f"api/users/{first.name}"
    wait_until(lambda: first.hub.get(asked).json()["server"] is None, "the hub to miss it")
    third.choose(GPU_PROFILE)
    assert seen(server(scene, third)) == GPUS[0]
    second.stop()
    first.choose(GPU_PROFILE)
    assert seen(server(scene, first)) == GPUS[1]
