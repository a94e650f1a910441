"""Whatever is restarted, nobody at work is dropped: one server with all kinds of connections, kept
open over everything that happens to the hub; then what happens to the proxy. Over a restart of the
engine they are in test_isolation.py, so that everybody waits for one alone.
"""

import io
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

import pytest
import requests
from docker.models.containers import Container

from jhub_bench.hub_restart import KILL_THE_HUB
from jhub_docker.catalog import Catalog
from jhub_testing.kernel import Kernel
from jhub_testing.operator import Operator
from jhub_testing.person import Person
from jhub_testing.platforms import Platform
from jhub_testing.resources import Engine
from jhub_testing.waiting import wait_until
from jhub_testing.work import Work, answers, at_work

ROUTES_WITHIN = 150
"""Seconds after which a proxy that answers again has all routes. They are there in seconds;
JupyterHub by itself looks after 300."""

OLDER_SCHEMA = "be8ecf03ddac"
"""JupyterHub's schema three revisions before 6.1's (jupyterhub/alembic/versions)."""

MAKE_OLDER = f"""
import subprocess
from jupyterhub import dbutil
with dbutil._temp_alembic_ini("sqlite:////srv/jupyterhub/jupyterhub.sqlite") as ini:
    subprocess.run(["alembic", "-c", ini, "downgrade", "{OLDER_SCHEMA}"], check=True)
"""

NEWER_SCHEMA = "ffffffffffff"
"""A revision that some later JupyterHub could have."""

STAMP = """
import sqlite3, sys
with sqlite3.connect("/srv/jupyterhub/jupyterhub.sqlite", timeout=300) as database:
    print(*database.execute("SELECT version_num FROM alembic_version").fetchone())
    database.execute("UPDATE alembic_version SET version_num = ?", sys.argv[1:])
"""

Event = Callable[["Scene"], None]


@dataclass
class Scene:
    """A platform, somebody at work on it, and somebody who comes and goes."""

    platform: Platform
    ada: Person
    visitor: Person
    server: Container

    @property
    def operator(self) -> Operator:
        """Whoever runs the platform."""
        return Operator(self.platform)

    @property
    def image(self) -> str:
        """The hub's image."""
        return f"local/jupyterhub-hub:{self.platform.environment['JHUB_IMAGE_TAG']}"

    def visit(self) -> None:
        """A new server can be started, and stopped."""
        self.visitor.choose("uv-marimo-small").stop()

    def up(self) -> None:
        """`invoke up` as an operator calls it."""
        result = self.operator.invoke("up", "--no-build")
        assert result.returncode == 0, result.stderr

    def stamp(self, revision: str) -> str:
        """Write another revision into the hub's database; returns the one it had."""
        code, output = self.platform.container("hub").exec_run(["python", "-c", STAMP, revision])
        assert code == 0, output.decode()
        return str(output.decode().strip())

    def running(self) -> dict[str, tuple[str | None, str]]:
        """Each service's container, and since when it runs."""
        found = {name: self.platform.container(name) for name in self.platform.services}
        return {name: (one.id, one.attrs["State"]["StartedAt"]) for name, one in found.items()}


@pytest.fixture(scope="module")
def scene(engine: Engine, catalog: Catalog, pytestconfig: pytest.Config) -> Iterator[Scene]:
    """A platform with images under a tag of its own, so that the hub's can be replaced."""
    platform = Platform(engine, pytestconfig.rootpath, "restarts")
    tested, own = platform.environment["JHUB_IMAGE_TAG"], platform.project
    platform.environment |= {"JHUB_IMAGE_TAG": own, "JHUB_SIGNUP": "open"}
    repositories = [spec.repository for spec in catalog.published]
    with ExitStack() as stack:
        for repository in repositories:
            engine.client.images.get(f"{repository}:{tested}").tag(repository, own)
            stack.callback(engine.client.images.remove, f"{repository}:{own}")
        stack.enter_context(platform)
        ada, visitor = (Person(platform.url, name).join() for name in ("ada", "visitor"))
        ada.choose("uv-lab-small")
        (server,) = platform.servers("ada")
        yield Scene(platform, ada, visitor, server)


@pytest.fixture(scope="module")
def work(scene: Scene) -> Iterator[Work]:
    with at_work(scene.ada.server) as work:
        yield work


def killed(scene: Scene) -> None:
    """The hub is killed, and comes back by itself."""
    hub = scene.platform.container("hub")
    before = hub.attrs["State"]["StartedAt"]
    hub.exec_run(["python", "-c", KILL_THE_HUB])

    def started_again() -> bool:
        hub.reload()
        return bool(hub.attrs["State"]["StartedAt"] != before and hub.status == "running")

    wait_until(started_again, "the hub's container to start again")
    scene.platform.wait_until_open()


def upgraded(scene: Scene) -> None:
    """A new hub image finds a database with an older schema."""
    engine, platform = scene.platform.engine, scene.platform
    before = {service: platform.container(service).id for service in ("hub", "proxy")}
    platform.compose("stop", "hub")
    data = {platform.environment["JHUB_DATA_VOLUME"]: {"bind": "/srv/jupyterhub", "mode": "rw"}}
    engine.run(scene.image, ["python", "-c", MAKE_OLDER], user="jupyterhub", volumes=data)
    dockerfile = f"FROM {scene.image}\nENV RELEASE=next\n".encode()
    labels = {**engine.labels}
    engine.client.images.build(
        fileobj=io.BytesIO(dockerfile), tag=scene.image, labels=labels, rm=True, forcerm=True
    )
    scene.up()
    after = {service: platform.container(service) for service in before}
    assert after["hub"].id != before["hub"], "the new image is not in use"
    assert after["proxy"].id == before["proxy"], "the proxy was replaced, which drops everybody"
    listing = after["hub"].exec_run(["ls", "/srv/jupyterhub"], user="jupyterhub")
    assert b"jupyterhub.sqlite.20" in listing.output, "the old database was not kept"


def recreated(scene: Scene) -> None:
    """The hub's container is made anew."""
    scene.platform.compose("up", "--detach", "--force-recreate", "--no-deps", "hub")
    scene.platform.wait_until_open()


@pytest.mark.parametrize("event", [killed, upgraded, recreated])
def test_nobody_at_work_is_dropped(event: Event, scene: Scene, work: Work) -> None:
    work.goes_on_while(partial(event, scene))
    assert scene.ada.is_logged_in()
    assert scene.ada.hub.get("api/users/ada").json()["server"], "the hub forgot the server"
    (server,) = scene.platform.servers("ada")
    assert server.id == scene.server.id, "the server was started anew"
    scene.visit()


@pytest.mark.parametrize(
    ("variables", "file", "told"),
    [
        ({"JHUB_IDLE_TIMEOUT": "soon"}, "", "JHUB_IDLE_TIMEOUT is 'soon'"),
        ({"JHUB_DEFAULT_PROFILE": "uv-lab-tiny"}, "", "which no image offers; there are: uv-lab-"),
        ({"JHUB_SUDO_PROFILES": "nope"}, "", "JHUB_SUDO_PROFILES names the profile 'nope'"),
        ({"JHUB_CA_BUNDLE": "/no/such/file"}, "", "expected a file on the Docker host"),
        ({}, "idle_timeout = ", "config.toml"),
    ],
    ids=["value", "default profile", "sudo profile", "CA bundle", "broken TOML"],
)
def test_wrong_settings_are_refused_before_anything_is_touched(
    variables: dict[str, str], file: str, told: str, scene: Scene, work: Work
) -> None:
    hub, path = scene.platform.container("hub"), "/srv/jupyterhub/config.toml"
    before = scene.running()
    if file:
        assert hub.exec_run(["sh", "-c", f"echo '{file}' >{path}"]).exit_code == 0
    try:
        result = scene.operator.invoke("up", "--no-build", **variables)
    finally:
        hub.exec_run(["rm", "-f", path])
    assert result.returncode == 2, result.stdout
    assert told in result.stderr
    assert "Traceback" not in result.stderr
    assert scene.running() == before
    work.look()


def test_a_newer_database_is_refused_before_anything_is_touched(scene: Scene, work: Work) -> None:
    """As after going back to an older image: nobody is dropped, and the database stays as it is."""
    before, head = scene.running(), scene.stamp(NEWER_SCHEMA)
    try:
        for task in (["up", "--no-build"], ["config.check"]):
            result = scene.operator.invoke(*task)
            assert result.returncode == 2, result.stdout
            assert f"schema revision {NEWER_SCHEMA}" in result.stderr
            assert "go back to jupyterhub.sqlite.20" in result.stderr
            assert "Traceback" not in result.stderr
    finally:
        assert scene.stamp(head) == NEWER_SCHEMA
    assert scene.running() == before
    work.look()


def proxy_restarted(scene: Scene) -> None:
    """The proxy's process is another one."""
    scene.platform.container("proxy").restart(timeout=1)


def proxy_recreated(scene: Scene) -> None:
    """The proxy's container is another one, on none of the servers' networks."""
    scene.platform.compose("up", "--detach", "--force-recreate", "--no-deps", "proxy")


def all_restarted(scene: Scene) -> None:
    """`docker compose restart`."""
    scene.platform.compose("restart", "--timeout", "5")


def down_and_up(scene: Scene) -> None:
    """`invoke down`, which leaves servers running, and `invoke up`."""
    assert scene.operator.invoke("down").returncode == 0
    scene.up()


@pytest.mark.parametrize("event", [proxy_restarted, proxy_recreated, all_restarted, down_and_up])
def test_a_new_proxy_soon_has_all_routes(event: Event, scene: Scene) -> None:
    client = scene.ada.server
    with Kernel(client) as kernel:
        kernel.execute("kept = 42")
        event(scene)
        scene.platform.wait_until_open()
        wait_until(
            lambda: answers(scene.ada.server),
            "the server's route",
            ignoring=requests.RequestException,
            patience=ROUTES_WITHIN,
        )
        kernel.reconnect()
        assert kernel.execute("kept") == "42", "the server was started anew"
    assert scene.ada.is_logged_in()


def test_after_all_that_a_server_stops_and_its_files_are_kept(scene: Scene) -> None:
    body = {"type": "file", "format": "text", "content": "kept"}
    assert scene.ada.server.put("api/contents/kept.txt", json=body).ok
    scene.ada.stop()
    assert not scene.platform.servers("ada")
    scene.ada.choose("uv-lab-small")
    assert scene.ada.server.get("api/contents/kept.txt").json()["content"] == "kept"
