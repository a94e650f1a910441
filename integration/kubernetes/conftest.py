"""One platform on a real cluster for all tests here, with an admin who changed the password."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from jhub_docker import catalog
from jhub_testing.cluster import ClusterPlatform
from jhub_testing.person import MakePerson, Person

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def platform() -> Iterator[ClusterPlatform]:
    specs = catalog.load(ROOT / "packages")
    with ClusterPlatform(ROOT / "deploy" / "kubernetes", specs) as platform:
        yield platform


@pytest.fixture(scope="session")
def admin(platform: ClusterPlatform) -> Person:
    person = Person(platform.url, "admin", platform.one_time_password())
    assert person.log_in().ok
    assert person.change_password(secrets.token_urlsafe(12)).ok
    return person


@pytest.fixture(scope="session")
def make_person(platform: ClusterPlatform, admin: Person) -> MakePerson:
    return lambda name: Person(platform.url, name).join(admin)
