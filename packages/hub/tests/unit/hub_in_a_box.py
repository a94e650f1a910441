"""JupyterHub's own objects for people and servers, on an engine in memory: what `app.py` and the
handlers do with them, without HTTP. For faults that are a matter of milliseconds.
"""

import asyncio
import json
import threading
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlparse

import requests
from jupyterhub import objects, orm, roles
from jupyterhub.user import User
from sqlalchemy import select
from sqlalchemy.orm import Session
from traitlets.config import Config

from hub_config import names, upstream
from hub_config.offer import images
from hub_config.offer.counter import Promises
from hub_config.offer.profiles import JUPYTERHUB_LABEL, PROFILES_LABEL
from hub_config.reconcile.reconciler import Reconciler
from hub_config.reconcile.state import Hub
from hub_config.runtime.attachments import attach_missing
from hub_config.runtime.interface import Key
from hub_config.settings import Settings
from hub_config.spawning import server_spawner
from hub_config.spawning.container_spawner import UserContainerSpawner
from hub_config.spawning.profile_spawner import PlatformSpawner

from .fake_engine import PLATFORM, FakeEngine, fake_runtime

OFFER = {
    "name": "uv-lab",
    "profiles": {"small": {"cpu_guarantee": 1, "cpu_limit": 2, "mem_limit": "2G"}},
}
LABELS = {PROFILES_LABEL: json.dumps(OFFER), JUPYTERHUB_LABEL: images.hub_version}
CHOICE = {"profile": "uv-lab-small"}
MEMORY = 2 * 2**30
HOME = "jupyterhub-user-ann"

PATIENCE = 60.0
"""Seconds for what takes a moment; half of what the engine hangs at most."""


class Killed(BaseException):
    """The hub's process ends here."""


class People(dict[str, User]):
    """JupyterHub's UserDict, by name."""


class Box:
    """One platform; `live` begins another life of its hub."""

    def __init__(self, config: Config, db: Session, monkeypatch: Any, folder: Path) -> None:
        self.config, self.db, self.folder = config, db, folder
        config.PlatformSpawner.operator = Settings(memory_reserve_gb=0, min_free_disk_gb=0)
        self._patch = monkeypatch
        self.engine = FakeEngine()
        self.engine.image_list = [{"RepoTags": ["local/uv-lab:latest"], "Labels": LABELS}]
        for role in roles.get_default_roles():
            roles.create_role(db, role, commit=True)
        db.add(orm.OAuthClient(identifier="jupyterhub"))
        db.commit()

        async def answers(*_: Any, **__: Any) -> Any:
            return SimpleNamespace(headers={})

        monkeypatch.setattr(objects.Server, "wait_up", answers)
        monkeypatch.setattr(server_spawner, "wait_until_answers", answers)
        monkeypatch.setattr("hub_config.offer.room.memory_available", lambda _: 2**40)
        # However slow the machine is: another list of images is another call.
        monkeypatch.setattr("hub_config.offer.images.FRESH_SECONDS", 3600.0)
        self.live()

    def live(self) -> None:
        """Begin another life of the hub: nothing is left but database and engine."""
        self.db.rollback()
        self.db.expire_all()
        self.runtime = fake_runtime(self.engine)
        self._patch.setattr(UserContainerSpawner, "_runtime", self.runtime)
        self._patch.setattr(PlatformSpawner, "_counter", None)
        self.hub = Hub(People(), Proxy(), self.db)
        self.reconciler = Reconciler(
            lambda: self.runtime,
            self.folder / "report.json",
            self.folder / "mark",
        )
        for record in self.db.scalars(select(orm.User)):
            self._wrap(record)

    def _wrap(self, record: orm.User) -> User:
        hub = SimpleNamespace(public_host="", api_url="http://hub:8081/hub/api", base_url="/hub/")
        settings = {
            "spawner_class": PlatformSpawner,
            "config": self.config,
            "hub": hub,
            "base_url": "/",
            "allow_named_servers": True,
        }
        user = self.hub.users[record.name] = User(record, settings, db=self.db)
        return user

    def person(self, name: str) -> User:
        """The person of that name; made at first use."""
        if name not in self.hub.users:
            record = orm.User(name=name)
            self.db.add(record)
            self.db.commit()
            roles.assign_default_roles(self.db, entity=record)
            self._wrap(record)
        return self.hub.users[name]

    async def take_over(self) -> None:
        """What the hub does at its start (start.py, then app.py, init_spawners)."""
        attach_missing(self.engine, PLATFORM)
        for user in self.hub.users.values():
            for name, record in user.orm_spawners.items():
                if record.server is None:
                    continue
                spawner = user.spawners[name]
                if await spawner.poll() is None:
                    url = urlparse(await spawner.get_url())
                    spawner.server.ip, spawner.server.port = url.hostname, url.port
                    await user._wait_up(spawner)
                else:
                    await user.stop(name)
        await self.reconcile()

    async def reconcile(self) -> None:
        """Two passes: what had no server at the first is removed by the second."""
        for _ in range(2):
            await self.reconciler.run(self.hub)
        if self.reconciler._soon:
            self.reconciler._soon.cancel()

    async def start(self, user: User, name: str = "", options: Any = None) -> None:
        """Start a server and wait until it runs, as the API's handler does."""
        spawner = user.get_or_create_spawner(name, name, replace_failed=True)
        spawner._spawn_pending = True
        starting = spawner._spawn_future = asyncio.ensure_future(
            user.spawn(name, name, options or dict(CHOICE))
        )

        def clear(_: object) -> None:
            spawner._spawn_pending = False
            if starting.cancelled() or starting.exception() is None:
                spawner._spawn_future = None

        starting.add_done_callback(clear)
        await starting

    async def cancel(self, user: User, name: str = "") -> None:
        """Stop a server that is starting, as the API's handler does.

        That one waits a second at most: the engine, which hangs, is no part of the cancelled start.
        """
        spawner = user.spawners[name]
        starting = upstream.spawn_future(spawner)
        starting.cancel()
        await asyncio.wait([starting], timeout=PATIENCE)
        assert not spawner.pending, "the cancelled start waits for the engine"
        await user.stop(name)

    async def one_click(self) -> None:
        """Ann starts, works, stops, and nothing is left."""
        ann = self.person("ann")
        await self.start(ann)
        self.assert_agreed()
        assert self.servers() == {("ann", "")}
        await ann.stop()
        self.assert_agreed()
        assert not self.servers()
        assert {name for name in self.engine.volumes_ if "ann" in name} == {HOME}

    # -- whether all agree -------------------------------------------------------------------

    def servers(self) -> set[tuple[str, str]]:
        """The servers that run, for the hub."""
        return {
            (user.name, name)
            for user in self.hub.users.values()
            for name, spawner in user.spawners.items()
            if spawner.ready
        }

    def assert_agreed(self) -> None:
        """Hub, engine and promises say the same, and nothing is left over."""
        running = self.in_engine()
        networks = {_key(one["Labels"]) for one in self.engine.networks_.values()}
        counter = PlatformSpawner._counter
        promises = counter.promises if counter else Promises(self.runtime.known)
        promised = promises.all()
        assert running == self.servers(), "the hub and the engine do not agree"
        assert networks == running, "networks are left, or missing"
        assert set(promised) == running, "promises are not what runs"
        assert all(one.memory == MEMORY and not one.starting for one in promised.values())
        for service in ("hub", "proxy"):
            attached = self.engine.containers_[service]["NetworkSettings"]["Networks"]
            assert set(self.engine.networks_) <= set(attached), f"{service} is not on a network"

    def in_engine(self) -> set[tuple[str, str]]:
        """Whose containers there are."""
        return {
            _key(one["Config"]["Labels"])
            for name, one in self.engine.containers_.items()
            if name not in ("hub", "proxy", "guard")
        }


def _key(labels: Mapping[str, str]) -> Key:
    return labels[names.USER], labels[names.SERVER]


def killed_container(box: Box) -> None:
    """Somebody kills the container of ann's server."""
    state = {"Status": "exited", "Running": False, "ExitCode": 137}
    box.engine.containers_["jupyter-ann"]["State"] = state


class Proxy:
    """Routes are not the matter here."""

    async def delete_user(self, *_: Any) -> None:
        """Gone."""


class Moment:
    """One call of the engine, by its number: it hangs there, or ends the hub."""

    def __init__(self, engine: FakeEngine, number: int) -> None:
        self.engine, self.number = engine, number
        self.reached, self.go_on = threading.Event(), threading.Event()
        self._count = -1

    def _here(self) -> bool:
        self._count += 1
        return self._count == self.number

    def hang(self, _: str) -> None:
        """For `FakeEngine.at`."""
        if self._here():
            self.reached.set()
            assert self.go_on.wait(2 * PATIENCE)

    def kill(self, _: str) -> None:
        """For `at` or `after`."""
        if self._here():
            raise Killed

    def away(self, _: str) -> None:
        """For `at`: from that call on the engine does not answer."""
        self._count += 1
        if self._count >= self.number:
            raise requests.ConnectionError("away")
