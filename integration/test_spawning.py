"""Starting servers: what is refused before anything is made, queues, pulls, and what people see.

A platform of its own with narrow limits: one server starts at a time, two per person, and one
image is still in a registry when the first person wants it.
"""

import base64
import io
import json
import os
import secrets
import tarfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from jhub_docker.plan import LABEL
from jhub_docker.testing.person import Person
from jhub_docker.testing.platforms import Platform
from jhub_docker.testing.registry import Registry
from jhub_docker.testing.resources import Engine
from jhub_docker.testing.waiting import wait_until

MARIMO = "uv-marimo-small"
LAST_WORDS = "the notebook is <gone>"
CONFIG = """
[[images]]
reference = "{reference}"
name = "fetched"
profiles.small = {{ mem_limit = "1G" }}
profiles.giant = {{ mem_limit = "900T" }}

[groups.analysts]
profiles = ["uv-marimo-large"]
"""

Event = dict[str, Any]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with Registry(tmp_path_factory.mktemp("registry")) as registry:
        yield registry


@pytest.fixture(scope="module")
def reference(engine: Engine, registry: Registry) -> str:
    """An image that is in the registry and not here: its server says something and ends."""
    repository = f"{registry.address}/team/fetched"
    offer = {"name": "fetched", "profiles": {"small": {"mem_limit": "1G"}}}
    engine.client.api.import_image_from_data(
        _little_system(engine),
        repository=repository,
        tag="1",
        changes=[
            f"LABEL {LABEL}.profiles='{json.dumps(offer)}'",
            f'CMD ["sh", "-c", "echo \'{LAST_WORDS}\'; exit 3"]',
        ],
    )
    pushed = engine.client.images.push(repository, "1")
    assert "error" not in pushed, pushed
    engine.client.images.remove(f"{repository}:1")
    return f"{repository}:1"


def _little_system(engine: Engine) -> bytes:
    """A shell with its libraries, and some megabytes that cannot be compressed, as an archive."""
    tag = os.environ.get("JHUB_TEST_TAG", "latest")
    code = "tar -ch /bin/sh $(ldd /bin/sh | grep -o '/[^ ]*') 2>/dev/null | base64"
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as made:
        told = engine.run(f"local/uv-marimo:{tag}", ["sh", "-c", code], network_mode="none")
        with tarfile.open(fileobj=io.BytesIO(base64.b64decode(told))) as given:
            for member in given.getmembers():
                made.addfile(member, given.extractfile(member))
        filler = tarfile.TarInfo("filler")
        filler.size = 4 * 10**6
        made.addfile(filler, io.BytesIO(secrets.token_bytes(filler.size)))
    return archive.getvalue()


@pytest.fixture(scope="module")
def platform(
    engine: Engine, pytestconfig: pytest.Config, registry: Registry, reference: str
) -> Iterator[Platform]:
    settings = {
        "JHUB_PULL_FROM": f"{registry.address}/",
        "JHUB_CONCURRENT_SPAWN_LIMIT": "1",
        "JHUB_USER_SERVER_LIMIT": "2",
    }
    config = CONFIG.format(reference=reference)
    root = pytestconfig.rootpath
    with Platform(engine, root, "spawning", settings=settings, config=config) as platform:
        yield platform


@pytest.fixture(scope="module")
def admin(platform: Platform) -> Person:
    admin = Person(platform.url, "admin", platform.one_time_password())
    admin.log_in()
    assert admin.change_password(secrets.token_urlsafe(12)).ok
    names = ["ann", "ben", "cleo", "dora"]
    assert admin.hub.post("api/users", json={"usernames": names}).ok
    return admin


def start(admin: Person, user: str, profile: str, server: str = "") -> Any:
    path = f"api/users/{user}/servers/{server}" if server else f"api/users/{user}/server"
    return admin.hub.post(path, json={"profile": profile})


def events(admin: Person, user: str) -> Iterator[Event]:
    """What the progress page of `user`'s server is sent, until it is ready or has failed."""
    answer = admin.hub.get(f"api/users/{user}/server/progress", stream=True)
    assert answer.ok, answer.text
    for line in answer.iter_lines(chunk_size=1):
        if line.startswith(b"data:"):
            event: Event = json.loads(line.removeprefix(b"data:"))
            yield event
            if event.get("ready") or event.get("failed"):
                return


def test_a_slow_pull_is_shared_and_holds_up_nobody_else(
    admin: Person, registry: Registry, platform: Platform
) -> None:
    registry.gate.close()
    seen: dict[str, list[Event]] = {"ann": [], "ben": []}
    moving = threading.Event()

    def watch(user: str) -> None:
        for event in events(admin, user):
            seen[user].append(event)
            if "MB" in event["message"]:
                moving.set()

    with ThreadPoolExecutor() as threads:
        try:
            starts = [threads.submit(start, admin, user, "fetched-small") for user in seen]
            wait_until(lambda: all(_pending(admin, user) for user in seen), 20, "two starts")
            watching = [threads.submit(watch, user) for user in seen]
            assert moving.wait(60), f"no layer moved: {seen}"
            assert start(admin, "cleo", MARIMO).ok
            assert list(events(admin, "cleo"))[-1].get("ready")
            assert _pending(admin, "ann"), "the pull did not wait at the gate"
        finally:
            registry.gate.open()
        for future in (*starts, *watching):
            future.result(120)

    assert len(registry.gate.blobs) == len(set(registry.gate.blobs)), "an image was pulled twice"
    for told in seen.values():
        percentages = [event["progress"] for event in told]
        assert percentages == sorted(percentages)
        stages = [event["stage"] for event in told if "stage" in event]
        assert {"image", "network", "volume", "container"} <= set(stages)
        assert any("of 1 layers" in event["message"] for event in told)
        assert told[-1]["failed"]
        assert "exit code 3" in told[-1]["message"]
        assert "the notebook is &lt;gone&gt;" in told[-1]["html_message"]
    for user in seen:
        assert not platform.servers(user)


def _pending(admin: Person, user: str) -> bool:
    return bool(admin.hub.get(f"api/users/{user}").json()["pending"] == "spawn")


def test_who_comes_when_one_starts_waits_for_a_turn(admin: Person, platform: Platform) -> None:
    users = ("ann", "ben", "dora")
    with ThreadPoolExecutor() as threads:
        answers = list(threads.map(lambda user: start(admin, user, MARIMO), users))
        assert {answer.status_code for answer in answers} <= {201, 202}
        told = list(threads.map(lambda user: list(events(admin, user)), users))
    assert all(events[-1].get("ready") for events in told)
    queued = [e["message"] for events in told for e in events if e.get("stage") == "queue"]
    assert any("you are next" in message for message in queued), told
    assert all(len(platform.servers(user)) == 1 for user in users)


@pytest.mark.parametrize(
    ("profile", "status", "told"),
    [
        ("fetched-giant", 503, "needs 921600 GB of memory, and this machine has"),
        ("uv-marimo-large", 403, "for members of analysts"),
        ("nope", 400, "There is no such profile"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_made(
    profile: str, status: int, told: str, admin: Person, platform: Platform
) -> None:
    answer = start(admin, "cleo", profile, "second")
    assert answer.status_code == status, answer.text
    assert told in answer.json()["message"]
    assert [c.name for c in platform.servers("cleo")] == [_container(platform, "cleo")]


def test_the_page_says_it_too(admin: Person, platform: Platform) -> None:
    page = admin.fill("spawn", "profile", profile="fetched-giant")
    assert page.status_code == 503
    assert "needs 921600 GB of memory" in page.text
    assert not platform.servers("admin")


def test_a_group_opens_its_profiles_to_its_members(admin: Person) -> None:
    assert admin.hub.post("api/groups/analysts", json={"users": ["admin"]}).ok
    page = admin.hub.get("spawn").text
    assert "It is for members of analysts" not in page


def test_a_second_server_has_the_name_one_chose_and_a_third_is_one_too_many(
    admin: Person, platform: Platform
) -> None:
    assert start(admin, "cleo", MARIMO, "my-lab").status_code in (201, 202)

    def ready() -> bool:
        servers = admin.hub.get("api/users/cleo").json()["servers"]
        return bool(servers["my-lab"]["ready"])

    wait_until(ready, 60, "the second server")
    names = {container.name for container in platform.servers("cleo")}
    assert names == {_container(platform, "cleo"), _container(platform, "cleo-my_2dlab")}
    third = start(admin, "cleo", MARIMO, "third")
    assert third.status_code == 403
    assert "You may run 2 servers at a time" in third.json()["message"]


@pytest.mark.parametrize("name", ["Has Capitals", "a" * 40, "..", "-x", "ü"])
def test_a_name_that_would_break_something_is_refused(
    name: str, admin: Person, platform: Platform
) -> None:
    answer = start(admin, "dora", MARIMO, name)
    assert answer.status_code in (400, 404, 405)
    assert len(platform.servers("dora")) == 1


def _container(platform: Platform, rest: str) -> str:
    return f"{platform.environment['JHUB_CONTAINER_PREFIX']}-{rest}"
