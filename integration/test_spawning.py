"""Starting servers: what is refused before anything is made, queues, pulls, and what people see.

A platform of its own with narrow limits: one server starts at a time, two per person. One image is
still in a registry when the first person wants it, and the tag it had names another one by then.
"""

import base64
import json
import re
import secrets
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from playwright.sync_api import Browser

from jhub_testing import starting_images
from jhub_testing.accessibility import judge
from jhub_testing.browser import Window
from jhub_testing.crowd import Crowd
from jhub_testing.person import Person
from jhub_testing.platforms import Platform
from jhub_testing.registry import Registry
from jhub_testing.resources import Engine
from jhub_testing.starting_images import LOGIN, OLD_HUB, PASSWORD, PULLER, Images
from jhub_testing.waiting import PATIENCE, wait_until

HERE = "here-small"

GROUPS = """
[groups.analysts]
profiles = ["uv-marimo-large"]
"""

KEEP_LOGIN = "umask 077; mkdir -p .docker; cat > .docker/config.json"
"""As packages/hub/README.md says."""

Event = dict[str, Any]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with Registry(tmp_path_factory.mktemp("registry"), people={PULLER: PASSWORD}) as registry:
        yield registry


@pytest.fixture(scope="module")
def images(engine: Engine, registry: Registry) -> Images:
    return starting_images.make(engine, registry)


@pytest.fixture(scope="module")
def platform(
    engine: Engine, pytestconfig: pytest.Config, registry: Registry, images: Images
) -> Iterator[Platform]:
    settings = {
        "JHUB_PULL_FROM": f"{registry.address}/",
        "JHUB_CONCURRENT_SPAWN_LIMIT": "1",
        "JHUB_USER_SERVER_LIMIT": "2",
        "JHUB_MAX_MEMORY_GB": "0",  # so that a profile can want more than the machine has
    }
    config, root = images.config + GROUPS, pytestconfig.rootpath
    with Platform(engine, root, "spawning", settings=settings, config=config) as platform:
        yield platform


@pytest.fixture(scope="module")
def admin(platform: Platform) -> Person:
    admin = platform.first_admin()
    names = ["ann", "ben", "cleo", "dora"]
    assert admin.hub.post("api/users", json={"usernames": names}).ok
    return admin


def start(admin: Person, user: str, profile: str, server: str = "") -> Any:
    path = f"api/users/{user}/servers/{server}" if server else f"api/users/{user}/server"
    return admin.hub.post(path, json={"profile": profile})


def stop(admin: Person, user: str) -> None:
    assert admin.hub.delete(f"api/users/{user}/server").ok

    def gone() -> bool:
        record = admin.hub.get(f"api/users/{user}").json()
        return record["server"] is None and record["pending"] is None

    wait_until(gone, f"the server of {user} to be stopped")


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


def failed_start(admin: Person, user: str, profile: str) -> Event:
    """The last event of a start that has to fail."""
    answer = start(admin, user, profile)
    # 202 where it takes longer than JupyterHub keeps the request waiting.
    assert answer.status_code in (500, 202), answer.text
    *_, last = events(admin, user)
    assert last.get("failed"), last
    return last


def test_a_registry_that_wants_a_login_refuses_until_the_operator_gives_the_right_one(
    admin: Person, registry: Registry, platform: Platform
) -> None:
    """Each counts from the next pull on: the hub is not started again."""
    for login in ("", starting_images.encoded("another"), LOGIN):
        if login:
            content = json.dumps({"auths": {registry.address: {"auth": login}}})
            platform.compose("exec", "-T", "hub", "sh", "-c", KEEP_LOGIN, given=content)
        if login != LOGIN:
            told = failed_start(admin, "ann", "fetched-small")["message"]
            assert "cannot be fetched" in told
            assert re.search("no basic auth|unauthorized", told)


def test_a_slow_pull_is_shared_and_holds_up_nobody_else(
    admin: Person, registry: Registry, platform: Platform, images: Images
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
            wait_until(lambda: all(_pending(admin, user) for user in seen), "two starts")
            watching = [threads.submit(watch, user) for user in seen]
            assert moving.wait(PATIENCE), f"no layer moved: {seen}"
            assert start(admin, "cleo", HERE).ok
            assert list(events(admin, "cleo"))[-1].get("ready")
            assert _pending(admin, "ann"), "the pull did not wait at the gate"
            _change_of_mind(admin, "dora")
        finally:
            registry.gate.open()
        for future in (*starts, *watching):
            future.result(PATIENCE)

    assert len(registry.gate.blobs) == len(set(registry.gate.blobs)), "an image was pulled twice"
    for user, told in seen.items():
        percentages = [event["progress"] for event in told]
        assert percentages == sorted(percentages)
        stages = [event["stage"] for event in told if "stage" in event]
        assert {"image", "network", "volume", "container", "server"} <= set(stages)
        assert any("of 1 layers" in event["message"] for event in told)
        assert told[-1].get("ready"), told[-1]
        assert len(platform.servers(user)) == 1
        stop(admin, user)
    assert not platform.servers("dora")
    assert f"release 1.2.0, {images.digest[:19]}" in admin.hub.get("spawn").text


def test_nobody_sees_the_login_that_the_pull_used(platform: Platform) -> None:
    told = "".join(platform.container(one).logs().decode() for one in platform.services)
    kept = "".join(json.dumps(platform.container(one).attrs) for one in platform.services)
    dump = "import sqlite3; print(*sqlite3.connect('jupyterhub.sqlite').iterdump())"
    rows = platform.compose("exec", "-T", "hub", "python", "-c", dump)
    assert "fetched-small" in rows
    encoded = base64.b64encode(PASSWORD.encode()).decode().rstrip("=")
    assert not [one for one in (PASSWORD, LOGIN, encoded) if one in told + kept + rows]


def _change_of_mind(admin: Person, user: str) -> None:
    """Ask for a server and, while the image is on its way, stop it."""
    with ThreadPoolExecutor() as threads:
        starting = threads.submit(start, admin, user, "fetched-small")
        wait_until(lambda: _pending(admin, user), "the start")
        stop(admin, user)
        starting.result(PATIENCE)


def test_a_server_that_ends_says_why_with_its_last_words(admin: Person, platform: Platform) -> None:
    told = failed_start(admin, "ann", "broken-small")
    assert "exit code 3" in told["message"]
    assert "the notebook is &lt;gone&gt;" in told["html_message"]
    assert not platform.servers("ann")


def test_a_failed_start_is_told_on_pages_anybody_can_read(
    browser: Browser, engine: Engine, admin: Person, platform: Platform
) -> None:
    """On the progress page while one watches, and on the page that one finds later."""
    window = Window(browser, platform.url, engine.logs / "screenshots")
    window.sign_in(admin.name, admin.password)
    window.see(window.page.get_by_role("button", name="Logout"))
    window.start("silent")
    window.see(window.page.get_by_role("heading", name="Your server is starting"))
    line = window.page.get_by_role("listitem").filter(has_text="Waiting for the server")
    window.see(line)
    (container,) = platform.servers("admin")
    container.kill()
    window.see(window.page.get_by_role("heading", name="Your server could not be started"))
    log = window.page.get_by_role("region", name="Last lines of its log")
    assert "the data are <gone>" in window.see(log).inner_text()
    complaints = judge(window, "failed-start")
    assert window.page.get_by_role("button", name="Stop").count() == 0

    window.page.reload()
    window.see(window.page.get_by_role("heading", name="Your server could not be started"))
    assert "the data are <gone>" in window.see(log).inner_text()
    complaints += judge(window, "failed-start-later")
    assert complaints == []
    window.page.get_by_role("link", name="Try again").click()
    window.see(window.page.get_by_role("heading", name="Choose what to start"))
    window.close()


def _pending(admin: Person, user: str) -> bool:
    return bool(admin.hub.get(f"api/users/{user}").json()["pending"] == "spawn")


def test_who_comes_when_one_starts_waits_for_a_turn(admin: Person, platform: Platform) -> None:
    users = ("ann", "ben", "dora")

    def watched(user: str) -> list[Event]:
        wait_until(lambda: _pending(admin, user) or platform.servers(user), "the start")
        return list(events(admin, user))

    with ThreadPoolExecutor(2 * len(users)) as threads:
        starts = [threads.submit(start, admin, user, HERE) for user in users]
        told = list(threads.map(watched, users))
        assert {future.result().status_code for future in starts} <= {201, 202}
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
        ("old-small", 503, f"old, small cannot be started: its image has JupyterHub {OLD_HUB}"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_made(
    profile: str, status: int, told: str, admin: Person, platform: Platform
) -> None:
    answer = start(admin, "cleo", profile, "second")
    assert answer.status_code == status, answer.text
    assert told in answer.json()["message"]
    assert [c.name for c in platform.servers("cleo")] == [_container(platform, "cleo")]


def test_an_image_of_another_jupyterhub_is_not_offered_and_admins_read_why(admin: Person) -> None:
    assert "old-small" not in admin.offered()
    told = f"old, small (old-small) is not offered: image .* has JupyterHub {OLD_HUB}"
    for page in ("spawn", "admin"):
        assert re.search(re.escape(told).replace(r"\.\*", ".*"), admin.hub.get(page).text), page


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
    assert start(admin, "cleo", HERE, "my-lab").status_code in (201, 202)

    def ready() -> bool:
        servers = admin.hub.get("api/users/cleo").json()["servers"]
        return bool(servers["my-lab"]["ready"])

    wait_until(ready, "the second server")
    names = {container.name for container in platform.servers("cleo")}
    assert names == {_container(platform, "cleo"), _container(platform, "cleo-my_2dlab")}
    third = start(admin, "cleo", HERE, "third")
    assert third.status_code == 403
    assert "You may run 2 servers at a time" in third.json()["message"]


def test_a_restarted_hub_still_knows_what_it_promised(admin: Person, platform: Platform) -> None:
    platform.container("hub").restart()
    platform.wait_until_open()
    third = start(admin, "cleo", HERE, "third")
    assert third.status_code == 403, third.text
    assert "You may run 2 servers at a time" in third.json()["message"]


@pytest.mark.parametrize("name", ["Has Capitals", "a" * 40, "..", "-x", "ü", "100%s"])
def test_a_name_that_would_break_something_is_refused(
    name: str, admin: Person, platform: Platform
) -> None:
    answer = start(admin, "dora", HERE, name)
    assert answer.status_code in (400, 404, 405)
    assert answer.status_code != 400 or "1 to 30 characters" in answer.json()["message"]
    assert len(platform.servers("dora")) == 1


def test_starts_cancelled_at_random_moments_leave_nothing(
    admin: Person, platform: Platform
) -> None:
    """In the queue too, since one starts at a time. `invoke bench --only cancel` does 200."""
    before, seed = len(platform.container("hub").logs()), secrets.randbits(32)
    crowd = Crowd(platform, admin, ["eve", "finn", "gil", "hugo"], "fetched-small").gather()
    trouble = [told for one in crowd.cancel(20, seed) for told in one.trouble]
    assert (trouble, crowd.left_over()) == ([], []), f"seed {seed}"
    crowd.start()
    crowd.stop()
    assert crowd.left_over() == []
    assert b"Traceback" not in platform.container("hub").logs()[before:], f"seed {seed}"


def _container(platform: Platform, rest: str) -> str:
    return f"{platform.environment['JHUB_CONTAINER_PREFIX']}-{rest}"
