"""Upgrades: from JupyterHub 5's database, killed, failing in two ways, and taken back; meanwhile
somebody works, and their connection goes on.
"""

import os
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import requests
import websocket

from jhub_docker.platform import canary
from jhub_testing import hub_images
from jhub_testing.backups import Backups
from jhub_testing.operator import killed_at
from jhub_testing.person import Person
from jhub_testing.platforms import SUDO_PROFILE, Platform
from jhub_testing.resources import Engine
from jhub_testing.waiting import PATIENCE

OLD = """
import bcrypt
from jupyterhub import orm
from nativeauthenticator.orm import UserInfo
db = orm.new_session_factory("sqlite:///jupyterhub.sqlite")()
db.add(orm.User(name="ada"))
db.add(UserInfo(username="ada", password=bcrypt.hashpw(b"PASSWORD", bcrypt.gensalt(4)),
                is_authorized=True))
db.commit()
"""
PASSWORD = "of-the-old-days-4711"


@pytest.fixture(scope="module")
def old_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made by JupyterHub 5 itself, in an environment of its own."""
    folder = tmp_path_factory.mktemp("old")
    wanted = ("jupyterhub==5.*", "jupyterhub-nativeauthenticator==1.3.0", "bcrypt")
    subprocess.run(
        [
            *("uv", "run", "--no-project", "--isolated", "--quiet"),
            *(f"--with={one}" for one in wanted),
            *("python", "-c", OLD.replace("PASSWORD", PASSWORD)),
        ],
        cwd=folder,
        check=True,
    )
    return folder / "jupyterhub.sqlite"


@pytest.fixture(scope="module")
def tag(engine: Engine) -> Iterator[str]:
    now = os.environ.get("JHUB_TEST_TAG", "latest")
    with hub_images.tagged(engine, engine.name("upgrade"), now) as tag:
        yield tag


@pytest.fixture(scope="module")
def next_hub(engine: Engine, tag: str) -> str:
    return hub_images.changed(engine, f"{hub_images.HUB}:{tag}", "database", hub_images.STEP)


@pytest.fixture(scope="module")
def operator(engine: Engine, tag: str, pytestconfig: pytest.Config) -> Iterator[Backups]:
    settings = {"JHUB_IMAGE_TAG": tag, "JHUB_SIGNUP": "open"}
    platform = Platform(engine, pytestconfig.rootpath, "upgrade", settings=settings)
    engine.own_project(platform.project)
    yield Backups(platform)
    for service in platform.services:
        with suppress(ValueError):
            engine.keep_log(platform.container(service))
    engine.remove_project(platform.project)


def is_built(operator: Backups, image: str) -> None:
    """As a build does it: the platform's tag is that image's from now on."""
    operator.platform.engine.client.images.get(image).tag(
        hub_images.HUB, operator.platform.environment["JHUB_IMAGE_TAG"]
    )


def hub_image(operator: Backups) -> str:
    return str(operator.platform.container("hub").attrs["Image"])


def in_database(operator: Backups, program: str) -> list[str]:
    data = operator.platform.environment["JHUB_DATA_VOLUME"]
    whole = f"import sqlite3\ndb = sqlite3.connect('/home-volume/jupyterhub.sqlite')\n{program}"
    return operator.in_volume(data, f"/opt/hub/bin/python - <<'END'\n{whole}\nEND").split()


def own_revision(operator: Backups) -> int:
    (found,) = in_database(
        operator, "print(*db.execute('SELECT revision FROM platform_schema').fetchone())"
    )
    return int(found)


NAMES = """
tables = {"users": "name", "users_info": "username", "platform_accounts": "full_name",
          "platform_home_volumes": "person"}
for table, column in tables.items():
    print(*[name for (name,) in db.execute(f"SELECT {column} FROM {table}")])
"""
"""Prints whoever the hub has any record of."""


def nothing_is_left(operator: Backups) -> None:
    """Of the canary: in the engine, and in the hub's database."""
    client, project = operator.platform.engine.client, operator.platform.project
    name = canary.name(project)
    wanted = {"label": [f"io.jhub-docker.platform={project}", f"io.jhub-docker.user={name}"]}
    assert not client.containers.list(all=True, filters=wanted, ignore_removed=True)
    assert not client.networks.list(filters=wanted)
    assert not client.volumes.list(filters=wanted)
    assert not [word for word in in_database(operator, NAMES) if "canary" in word.lower()]


class Connection:
    """Somebody's websocket, which is asked for an answer again and again."""

    def __init__(self, person: Person) -> None:
        self._socket = person.server.websocket("api/events/subscribe", timeout=PATIENCE)
        self.answers, self.broken = 0, ""
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._ask)
        self._thread.start()

    def _ask(self) -> None:
        try:
            while not self._ends.wait(0.1):
                self._socket.ping()
                while self._socket.recv_data_frame(control_frame=True)[0] != (
                    websocket.ABNF.OPCODE_PONG
                ):
                    pass
                self.answers += 1
        except (OSError, websocket.WebSocketException) as error:
            self.broken = repr(error)

    def end(self) -> None:
        self._ends.set()
        self._thread.join()
        self._socket.close()


@pytest.fixture(scope="module")
def ada(operator: Backups, old_database: Path) -> Iterator[tuple[Person, Connection]]:
    """Somebody from the old days, who works during all that comes."""
    platform = operator.platform
    data = platform.make_data_volume()
    platform.engine.run(
        f"{hub_images.HUB}:{platform.environment['JHUB_IMAGE_TAG']}",
        ["sh", "-c", "cp /old /srv/jupyterhub/jupyterhub.sqlite && chmod 600 /srv/jupyterhub/*"],
        volumes={data: {"bind": "/srv/jupyterhub"}, str(old_database): {"bind": "/old"}},
    )
    planned = operator.invoke("upgrade", "--no-build", "--dry-run")
    assert re.search(r"JupyterHub's schema from revision \w+ to \w+ \(\d+ steps\)", planned)
    assert "Nothing was changed" in planned
    assert not platform.servers()
    told = operator.invoke("upgrade", "--no-build")
    assert "logged in, and uv-marimo-small showed its page after" in told
    nothing_is_left(operator)
    ada = Person(platform.url, "ada", PASSWORD)
    ada.log_in()
    ada.choose(SUDO_PROFILE)
    connection = Connection(ada)
    yield ada, connection
    connection.end()


def goes_on(ada: tuple[Person, Connection], proxy: str, operator: Backups) -> None:
    """The very same connection answers, through the very same proxy."""
    person, connection = ada
    assert not connection.broken
    assert operator.platform.container("proxy").id == proxy
    again = Person(person.url, person.name, PASSWORD)
    again.log_in()
    assert again.is_logged_in()
    again.wait_until_served()


def test_one_that_is_killed_goes_on_and_is_taken_back(
    operator: Backups, ada: tuple[Person, Connection], next_hub: str
) -> None:
    first, proxy = hub_image(operator), str(operator.platform.container("proxy").id)
    revision = own_revision(operator)
    is_built(operator, next_hub)
    planned = operator.invoke("upgrade", "--no-build", "--dry-run")
    assert "the platform's tables from revision" in planned
    assert hub_image(operator) == first
    killed_at(operator.platform, "starting the platform", "upgrade", "--no-build")
    told = operator.operator.invoke("up", "--no-build")
    assert told.returncode == 0, told.stderr
    assert "An upgrade was interrupted: going on with it" in told.stderr
    assert hub_image(operator) == next_hub
    assert own_revision(operator) == revision + 1
    goes_on(ada, proxy, operator)
    late = Person(operator.platform.url, "late").join()
    without = operator.refused("upgrade", "--rollback")
    assert "accounts made since (their homes stay, on the page Homes): late" in without
    assert hub_image(operator) == next_hub
    told_back = operator.invoke("upgrade", "--rollback", "--yes")
    assert "runs again with the database of before" in told_back
    assert (hub_image(operator), own_revision(operator)) == (first, revision)
    late.log_in()
    assert not late.is_logged_in()
    goes_on(ada, proxy, operator)
    assert "It stays at what was before" in operator.invoke("up", "--no-build")
    assert hub_image(operator) == first
    assert "runs already what was before" in operator.refused("upgrade", "--rollback", "--yes")


def test_a_hub_that_ends_is_replaced_by_the_one_before_also_when_that_is_killed(
    engine: Engine, operator: Backups, ada: tuple[Person, Connection], next_hub: str
) -> None:
    first, proxy = hub_image(operator), str(operator.platform.container("proxy").id)
    revision = own_revision(operator)
    broken = hub_images.changed(engine, next_hub, "database", hub_images.ENDS)
    is_built(operator, broken)
    killed_at(operator.platform, "Going back", "upgrade", "--no-build")
    told = operator.operator.invoke("up", "--no-build")
    assert told.returncode == 0, told.stderr
    assert "interrupted while it went back" in told.stderr
    assert (hub_image(operator), own_revision(operator)) == (first, revision)
    told_again = operator.refused("upgrade", "--no-build", code=1)
    assert "the upgrade failed, and was taken back: the hub cannot start" in told_again
    assert "the last words of the next hub" in told_again
    assert (hub_image(operator), own_revision(operator)) == (first, revision)
    goes_on(ada, proxy, operator)


def test_a_hub_that_starts_nothing_is_found_out(
    engine: Engine, operator: Backups, ada: tuple[Person, Connection], next_hub: str
) -> None:
    first, proxy = hub_image(operator), str(operator.platform.container("proxy").id)
    broken = hub_images.changed(engine, next_hub, "concerns", hub_images.STARTS_NOTHING)
    is_built(operator, broken)
    told = operator.refused("upgrade", "--no-build", code=1)
    assert "a server of uv-marimo-small does not" in told
    assert "no server in this release" in told
    assert hub_image(operator) == first
    nothing_is_left(operator)
    goes_on(ada, proxy, operator)
    assert requests.get(f"{operator.platform.url}/hub/health", timeout=PATIENCE).ok


def test_what_was_taken_back_can_be_tried_again(
    operator: Backups, ada: tuple[Person, Connection], next_hub: str
) -> None:
    proxy = str(operator.platform.container("proxy").id)
    is_built(operator, next_hub)
    told = operator.invoke("upgrade", "--no-build")
    assert "Upgraded in" in told
    assert "uv-marimo-small showed its page" in told
    assert hub_image(operator) == next_hub
    nothing_is_left(operator)
    goes_on(ada, proxy, operator)
    assert ada[1].answers > 10
    assert "There is nothing to upgrade" in operator.invoke("upgrade", "--no-build")
