"""For each image: choose, work, stop, come back, and find the files again."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from docker.models.containers import Container

from jhub_docker.catalog import packages as catalogs
from jhub_testing import steps
from jhub_testing.person import MakePerson, Person
from jhub_testing.platforms import Platform

LIMITS = """
if [ -f /sys/fs/cgroup/memory.max ]; then
    cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/cpu.max
else
    cd /sys/fs/cgroup
    cat memory/memory.limit_in_bytes
    echo "$(cat cpu/cpu.cfs_quota_us) $(cat cpu/cpu.cfs_period_us)"
fi
"""
"""Prints bytes, then quota and period of the CPU, on cgroup v2 (first) and v1."""


@dataclass(frozen=True)
class Case:
    """An image as the catalog declares it, and someone to use it."""

    image: catalogs.ImageSpec
    person: Person
    platform: Platform

    @property
    def container(self) -> Container:
        """The person's only container."""
        (container,) = self.platform.servers(self.person.name)
        return container


IMAGES = catalogs.load(Path(__file__).parents[1] / "packages").singleuser


@pytest.fixture(scope="module", params=IMAGES, ids=lambda image: image.name)
def case(request: pytest.FixtureRequest, make_person: MakePerson, platform: Platform) -> Case:
    """Someone whose server of that image is running."""
    image: catalogs.ImageSpec = request.param
    person = make_person(re.sub(r"\W", "", image.name) + "-user")
    person.choose(f"{image.name}-small")
    return Case(image, person, platform)


def test_default_page(case: Case) -> None:
    steps.opens_its_page(case.person, case.image)


def test_sockets_behind_it(case: Case) -> None:
    steps.works_behind_it(case.person, case.image)


def test_limits_are_those_of_the_profile(case: Case) -> None:
    code, output = case.container.exec_run(["sh", "-c", LIMITS])
    assert code == 0, output
    memory, quota, period = output.split()
    profile = case.image.profiles["small"]
    assert int(memory) == int(profile.mem_limit.removesuffix("G")) * 2**30
    assert int(quota) / int(period) == profile.cpu_limit


def test_container_is_the_persons(case: Case) -> None:
    name = case.platform.environment["JHUB_CONTAINER_PREFIX"]
    assert case.container.name == f"{name}-{case.person.name.replace('-', '_2d')}"
    assert case.container.attrs["Config"]["User"] not in ("", "root", "0")


def test_files_are_there_after_stop_and_respawn(case: Case) -> None:
    name = case.person.name
    steps.finds_files_again(case.person, case.image, lambda: not case.platform.servers(name))
