"""A data volume without a byte left: all are told, people and admins get in, the hub starts. And a
database that somebody else has locked: nobody is called unknown for it.
"""

import secrets
from collections.abc import Iterator

import pytest
import requests

from jhub_testing.locked import database_locked
from jhub_testing.operator import Operator
from jhub_testing.person import Person
from jhub_testing.platforms import Platform
from jhub_testing.resources import Engine
from jhub_testing.waiting import wait_until

SMALL = {"type": "tmpfs", "device": "tmpfs", "o": "size=80m,uid=990,gid=990,mode=0700"}

RESERVED = """
import sqlite3, pathlib
database = pathlib.Path("/srv/jupyterhub/jupyterhub.sqlite")
free = sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True).execute("PRAGMA freelist_count")
journal = database.with_name(f"{database.name}-journal")
print(free.fetchone()[0] > 100 and journal.stat().st_size > 2**20)
"""

FILL = "cat /dev/zero >/srv/jupyterhub/filler; df --output=avail /srv/jupyterhub | tail -1"

SOUND = """
import sqlite3
opened = sqlite3.connect("file:/srv/jupyterhub/jupyterhub.sqlite?mode=ro", uri=True)
print(opened.execute("PRAGMA integrity_check").fetchone()[0])
"""

FOR_ALL, FOR_ADMINS = "The disk of this platform is full", "The disk of the data volume is full"


@pytest.fixture(scope="module")
def platform(engine: Engine, pytestconfig: pytest.Config) -> Iterator[Platform]:
    """Its data volume is small, and in memory."""
    platform = Platform(engine, pytestconfig.rootpath, "full", settings={"JHUB_SIGNUP": "open"})
    volume = platform.make_data_volume(SMALL)
    # While somebody has it, the engine keeps what is in it, also when the hub is restarted.
    holder = engine.client.containers.run(
        f"local/jupyterhub-hub:{platform.environment['JHUB_IMAGE_TAG']}",
        ["sleep", "infinity"],
        entrypoint="",
        init=True,
        detach=True,
        name=engine.name("holder"),
        labels=engine.labels,
        volumes={volume: {"bind": "/srv/jupyterhub"}},
    )
    with platform:
        yield platform
        engine.remove(holder)


@pytest.fixture(scope="module")
def admin(platform: Platform) -> Person:
    return platform.first_admin()


def in_hub(platform: Platform, *command: str) -> str:
    code, output = platform.container("hub").exec_run(list(command))
    assert code == 0, output.decode()
    return str(output.decode().strip())


def health(platform: Platform) -> requests.Response:
    return requests.get(f"{platform.url}/hub/health", timeout=60)


def test_a_full_data_volume(platform: Platform, admin: Person) -> None:
    ann = Person(platform.url, "ann")
    assert ann.sign_up().ok
    wait_until(
        lambda: in_hub(platform, "python", "-c", RESERVED) == "True", "the database's reserve"
    )
    assert health(platform).status_code == 200
    assert FOR_ALL not in requests.get(f"{platform.url}/hub/login", timeout=60).text

    platform.container("hub").exec_run(["sh", "-c", FILL])
    assert in_hub(platform, "sh", "-c", "df --output=avail /srv/jupyterhub | tail -1") == "0"
    assert_told_and_open(platform, admin, ann)

    # By itself it would start again and again.
    hub = platform.container("hub")
    hub.restart(timeout=30)
    platform.wait_until_open()
    hub.reload()
    assert (hub.status, hub.attrs["RestartCount"]) == ("running", 0)
    assert "Traceback" not in hub.logs().decode()
    assert_told_and_open(platform, admin, ann)

    operator = Operator(platform)
    status = operator.invoke("status")
    assert (status.returncode, f"! {FOR_ADMINS}" in status.stdout) == (0, True), status.stderr
    up = operator.invoke("up", "--no-build")
    assert (up.returncode, f"Warning: {FOR_ADMINS}" in up.stdout) == (0, True), up.stderr

    in_hub(platform, "rm", "/srv/jupyterhub/filler")
    wait_until(lambda: health(platform).ok, "the hub to be well")
    assert FOR_ALL not in requests.get(f"{platform.url}/hub/login", timeout=60).text
    assert in_hub(platform, "python", "-c", SOUND) == "ok"


def assert_told_and_open(platform: Platform, admin: Person, ann: Person) -> None:
    """Log-in page and health say it, and people and admins get in."""
    assert FOR_ALL in requests.get(f"{platform.url}/hub/login", timeout=60).text
    sick = health(platform)
    assert (sick.status_code, FOR_ADMINS in sick.json()["message"]) == (503, True)
    for known, says in ((ann, FOR_ALL), (admin, FOR_ADMINS)):
        person = Person(platform.url, known.name, known.password)
        answer = person.log_in()
        assert person.is_logged_in(), f"{answer.status_code} {answer.text[:500]}"
        assert says in person.hub.get("home").text
    assert Person(platform.url, f"new-{secrets.token_hex(4)}").sign_up().ok
    refused = person.hub.post("api/users/admin/server", json={"profile": "uv-marimo-small"})
    assert (refused.status_code, "The disk is too full" in refused.text) == (503, True)


AWAY = {"en": "database does not answer", "de": "Datenbank des Hubs antwortet gerade nicht"}


def test_a_locked_database(platform: Platform, admin: Person) -> None:
    with database_locked(platform):
        for language, words in AWAY.items():
            page = admin.hub.get("home", headers={"Accept-Language": language})
            assert (page.status_code, words in page.text) == (503, True), page.text
        for path in ("api/user", "api/users/admin"):
            told = admin.hub.get(path)
            assert (told.status_code, AWAY["en"] in told.json()["message"]) == (503, True)
        refused = Person(platform.url, admin.name, admin.password).log_in()
        assert (refused.status_code, AWAY["en"] in refused.text) == (503, True), refused.text
    wait_until(lambda: admin.hub.get("home").ok, "the hub to be well")
    assert admin.is_logged_in()
