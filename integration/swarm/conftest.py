"""A platform on a swarm of three engines, with an admin who changed the one-time password."""

import os
import secrets
import subprocess
from collections.abc import Generator, Iterator

import pytest

from jhub_testing import stub_servers
from jhub_testing.person import MakePerson, Person
from jhub_testing.platforms import Platform
from jhub_testing.resources import Engine

from .nodes import ADDRESSES, HUB, MANAGER, REGISTRY, ROOT, Swarm

SWARM = pytest.StashKey[Swarm]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Say how nodes and tasks are when a test has failed."""
    report = yield
    if report.failed and (swarm := item.config.stash.get(SWARM, None)):
        report.sections.append(("the swarm", swarm.told()))
    return report


@pytest.fixture(scope="session")
def swarm(pytestconfig: pytest.Config) -> Iterator[Swarm]:
    with Swarm() as swarm:
        pytestconfig.stash[SWARM] = swarm
        yield swarm


@pytest.fixture(scope="session")
def engine(swarm: Swarm) -> Iterator[Engine]:
    with Engine(ROOT / ".test-logs") as engine:
        yield engine


def pushed(engine: Engine) -> str:
    """An image that only the registry has, which is offered by its digest: of `config.toml`."""
    stub = stub_servers.make(engine, "3G", f"{REGISTRY}/local/")
    told = engine.client.images.push(stub.reference)
    assert "error" not in told, told
    image = engine.client.images.get(stub.reference)
    (digest,) = image.attrs["RepoDigests"]
    engine.client.images.remove(stub.reference)
    return stub.config.replace(stub.reference, digest)


@pytest.fixture(scope="session")
def platform(swarm: Swarm, engine: Engine) -> Iterator[Platform]:
    settings = {
        "JHUB_RUNTIME": "swarm",
        "JHUB_RESTART": "always",
        "JHUB_SUDO_PROFILES": "",
        "JHUB_BIND": ADDRESSES[MANAGER],
        "JHUB_ADDRESS_POOL": "10.99.0.0/16",
        "COMPOSE_PROFILES": "registry",
        "JHUB_REGISTRY_IMAGE": swarm.registry,
        "JHUB_REGISTRY_BIND": ADDRESSES[MANAGER],
        "JHUB_PULL_FROM": f"{REGISTRY}/local/",
        "JHUB_BLOCKED_DESTINATIONS": REGISTRY,
        "JHUB_SHARED_PATH": str(swarm.shared),
    }
    platform = Platform(engine, ROOT, settings=settings)
    platform.url = f"http://{ADDRESSES[MANAGER]}:{platform.port}"
    image = swarm.manager.client.images.get(HUB).id
    swarm.set("third", "active")
    stack = ("--compose-file", "deploy/swarm/guard.yaml", "--resolve-image", "never")
    subprocess.run(
        ["docker", "stack", "deploy", *stack, platform.project],
        cwd=ROOT,
        env={**os.environ, **platform.environment, "JHUB_HUB_IMAGE": image or ""},
        check=True,
    )
    try:
        engine.own_project(platform.project)
        platform.compose("up", "--detach", "--wait", "registry")
        platform.offer(pushed(engine))
        platform.offer('[groups.team]\nfolders = {data = "read-write"}\n')
        data = swarm.shared / "data"
        data.mkdir(parents=True, exist_ok=True)
        data.chmod(0o2777)
        with platform:
            swarm.wait_for_guards(platform.project, len(ADDRESSES))
            swarm.set("third", "pause")  # it has none of the servers' images
            yield platform
            # Networks cannot be removed before what is on them.
            swarm.end_servers(platform.project)
    finally:
        swarm.manager.docker("stack", "rm", platform.project)


@pytest.fixture(scope="session")
def admin(platform: Platform) -> Person:
    return platform.first_admin()


@pytest.fixture(scope="session")
def make_person(platform: Platform, admin: Person) -> MakePerson:
    return lambda name: Person(platform.url, f"{name}{secrets.token_hex(2)}").join(admin)
