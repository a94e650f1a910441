"""A platform whose records are moved to PostgreSQL, which then stalls, restarts and loses
connections, and back: people go on as if nothing had been.
"""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from jhub_testing.operator import Operator
from jhub_testing.person import Person
from jhub_testing.platforms import Platform
from jhub_testing.resources import Engine
from jhub_testing.waiting import PATIENCE, wait_until

URL = "postgresql+psycopg://jupyterhub@/jupyterhub?host=/run/postgresql"
WITH_POSTGRES = {"COMPOSE_PROFILES": "postgres", "JHUB_DB_URL": URL}
AWAY = "The hub's database does not answer"
SEVER = (
    "SELECT count(pg_terminate_backend(pid)), pg_sleep(1) FROM pg_stat_activity"
    " WHERE datname = 'jupyterhub' AND pid <> pg_backend_pid()"
)
"""A second is more than a hub on a busy machine takes for one question and a connection."""


@pytest.fixture(scope="module")
def platform(engine: Engine, pytestconfig: pytest.Config) -> Iterator[Platform]:
    settings = {"JHUB_SIGNUP": "open"}
    with Platform(engine, pytestconfig.rootpath, "records", settings=settings) as platform:
        yield platform


def health(platform: Platform) -> requests.Response:
    return requests.get(f"{platform.url}/hub/health", timeout=PATIENCE)


def psql(platform: Platform, query: str, times: int = 1) -> str:
    """What PostgreSQL says in the end, asked so often beside the hub."""
    program = (
        "import sys, psycopg\n"
        "url = 'postgresql://jupyterhub@/jupyterhub?host=/run/postgresql'\n"
        "with psycopg.connect(url, autocommit=True) as db:\n"
        "    for _ in range(int(sys.argv[2])):\n"
        "        said = db.execute(sys.argv[1]).fetchone()\n"
        "    print(*said)"
    )
    code, said = platform.container("hub").exec_run(["python", "-c", program, query, str(times)])
    assert code == 0, said.decode()
    return str(said.decode().strip())


def works(platform: Platform, person: Person) -> None:
    """Somebody's session is good, what they wrote is there, and a newcomer gets in."""
    assert person.is_logged_in()
    assert person.server.get("api/contents/kept.txt").json()["content"] == "as it was"
    Person(platform.url, f"new-{len(people(platform))}").join()


def people(platform: Platform) -> list[str]:
    code, said = platform.container("hub").exec_run(["python", "-m", "hub_config", "read-factors"])
    assert code == 0, said.decode()
    return [""] * int(json.loads(said.decode().splitlines()[-1])["people"])


def test_records_go_to_postgres_and_back_while_people_work(platform: Platform) -> None:
    admin = platform.first_admin()
    ann = Person(platform.url, "ann").join()
    ann.choose("uv-lab-small")
    body = {"type": "file", "format": "text", "content": "as it was"}
    assert ann.server.put("api/contents/kept.txt", json=body).ok
    (server,) = platform.servers("ann")
    works(platform, ann)
    operator = Operator(platform)

    began = platform.container("hub").attrs["State"]["StartedAt"]
    refused = operator.invoke("db.move", "--to", "postgres")
    assert "JHUB_DB_URL is not set" in refused.stderr
    assert platform.container("hub").attrs["State"]["StartedAt"] == began, "the hub was stopped"
    refused = operator.invoke("up", "--no-build", **WITH_POSTGRES)
    assert refused.returncode == 2
    assert "./dev invoke db.move --to postgres takes them over" in refused.stderr
    works(platform, ann)

    moved = operator.invoke("db.move", "--to", "postgres", **WITH_POSTGRES)
    assert moved.returncode == 0, moved.stderr
    assert "all compared" in moved.stdout
    platform.environment.update(WITH_POSTGRES)
    works(platform, ann)
    assert admin.is_logged_in()
    assert psql(platform, "SELECT count(*) FROM users") == str(len(people(platform)))
    again = operator.invoke("db.move", "--to", "postgres")
    assert (again.returncode, "already" in again.stdout) == (0, True), again.stderr
    code, told = platform.container("hub").exec_run(
        ["python", "-m", "hub_config", "audit", "show", "--what", "database.move"]
    )
    assert (code, b"database.move" in told) == (0, True)

    stalls(platform, ann)
    loses_connections(platform, ann)
    starts_again(platform, ann)

    # Without the address a hub would begin with the records of before.
    without = {"COMPOSE_PROFILES": "postgres", "JHUB_DB_URL": ""}
    refused = operator.invoke("up", "--no-build", **without)
    assert (refused.returncode, "moved away" in refused.stderr) == (2, True)
    moved = operator.invoke("db.move", "--to", "sqlite")
    assert moved.returncode == 0, moved.stderr
    assert "take JHUB_DB_URL away" in moved.stdout
    for name in WITH_POSTGRES:
        platform.environment[name] = ""
    up = operator.invoke("up", "--no-build")
    assert up.returncode == 0, up.stderr
    works(platform, ann)
    server.reload()
    assert server.status == "running", "somebody's server was ended by all that"
    assert platform.servers("ann")[0].id == server.id


def stalls(platform: Platform, person: Person) -> None:
    """PostgreSQL says nothing: the hub goes on answering and says so, and so do servers."""
    postgres = platform.container("postgres")
    postgres.pause()
    try:
        wait_until(lambda: health(platform).status_code == 503, "the hub to notice")
        assert AWAY in health(platform).json()["message"]
        assert platform.is_open(requests.get(f"{platform.url}/hub/login", timeout=PATIENCE).text)
        page = person.hub.get("home")
        assert (page.status_code, AWAY.replace("'", "&#39;") in page.text) == (503, True), page.text
        assert person.server.get("api/contents/kept.txt").ok, "a server wants no database"
    finally:
        postgres.unpause()
    wait_until(lambda: health(platform).ok, "the hub to be well")
    works(platform, person)


def loses_connections(platform: Platform, person: Person) -> None:
    """Whatever the hub is doing at that moment, nobody is logged out and no request is lost."""
    with ThreadPoolExecutor(1) as beside:
        severed = beside.submit(psql, platform, SEVER, times=10)
        while not severed.done():
            assert person.is_logged_in()
        severed.result()
    works(platform, person)


def starts_again(platform: Platform, person: Person) -> None:
    hub = platform.container("hub")
    platform.container("postgres").restart()
    wait_until(person.is_logged_in, "the hub to find its database again")
    works(platform, person)
    before = hub.attrs["RestartCount"]
    hub.reload()
    assert hub.attrs["RestartCount"] == before, "the hub ended since its database did"
