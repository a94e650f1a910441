"""One person's server as one container: its start, stage by stage, and its end.

It is composed of the runtime (`hub_config.runtime`), home, what groups share, limits (`options`),
readiness and ending; DockerSpawner makes the container. Which profile it is, and whether there may
be a server at all, is decided in `profile_spawner`.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import requests
from docker import APIClient
from docker.errors import DockerException
from dockerspawner import DockerSpawner
from jupyterhub.utils import url_path_join
from traitlets import Bool, Instance, Int, Unicode, default

from hub_config import counted, names
from hub_config.groups import Shared, SharingError
from hub_config.offer.profiles import Profile
from hub_config.runtime.docker import DockerRuntime
from hub_config.runtime.interface import AwayError, NetworkError, Place
from hub_config.runtime.networks import ServerNetworks
from hub_config.settings import Settings
from hub_config.spawning import options
from hub_config.spawning.folders import Folders, Sharing
from hub_config.spawning.parts import Ending, Home, ServerEndedError, wait_until_answers
from hub_config.told import Stage, Stages, StartFailure, engine_trouble

BEFORE_TIMEOUT = 2.0
"""Seconds by which this spawner's own deadline comes before JupyterHub's, to say more."""

ANOTHER = (
    "It was started after the copy of the hub's database that has come up, which cannot know it, "
    "so it was ended. Your files are there."
)


class UserContainerSpawner(DockerSpawner):
    """Starts and ends the container of one server."""

    enforced = Instance(
        Settings, (), help="What the filter before the engine holds every call to"
    ).tag(config=True)
    firewall = Bool(False, help="Start servers only behind the host's firewall").tag(config=True)
    docker_threads = Int(16, help="Simultaneous calls to the Docker Engine").tag(config=True)
    group_secrets = Unicode(help="Where groups' secrets are kept").tag(config=True)
    sharing = Instance(Sharing, ({}, False, "off"), help="What people share").tag(config=True)

    stages = Instance(Stages, ())
    ending = Unicode(help="Why the container ended by itself; for its person")
    lost = Unicode(help="What it lost for want of memory while it runs; for its person")
    address = Unicode(help="Where the container is on its network; empty before it has one")

    remove = True
    use_internal_ip = True
    pull_policy = "skip"
    remember: Callable[[], None] = staticmethod(lambda: None)
    """Called when there is a container, so that a hub that ends now finds it again."""
    has_ended: Callable[[int | None, str], None] = staticmethod(lambda _code, _words: None)
    """Called with exit code and last lines of one that ended by itself, before it is removed."""

    _runtime: DockerRuntime | None = None
    _unfinished = False

    # -- parts -------------------------------------------------------------------------------

    @property
    def runtime(self) -> DockerRuntime:
        """Where servers run; one for the whole hub."""
        cls = UserContainerSpawner
        if cls._runtime is None:
            enforced = self.enforced
            networks = ServerNetworks(enforced.platform, enforced.address_pool, self.firewall)
            cls._runtime = DockerRuntime(networks, self.docker_threads)
        return cls._runtime

    @property
    def client(self) -> APIClient:
        """DockerSpawner's calls go the runtime's way."""
        return self.runtime.client

    @property
    def executor(self) -> ThreadPoolExecutor:
        """DockerSpawner's calls are made on the runtime's threads."""
        return self.runtime.threads

    def docker(self, method: str, *args: Any, **kwargs: Any) -> "asyncio.Future[Any]":
        """Call the engine; the runtime knows that it concerns this container."""
        return self.runtime.call(
            self.object_name if self.user else "", getattr(self.client, method), *args, **kwargs
        )

    @default("object_name")
    def _object_name_default(self) -> str:
        return names.container(self.enforced.container_prefix, self.user.name, self.name)

    @default("network_name")
    def _network_name_default(self) -> str:
        return names.network(self.enforced.network, self.user.name, self.name)

    @property
    def place(self) -> Place:
        """What this server's things are called."""
        return Place(self.user.name, self.name, self.object_name, self.network_name)

    @property
    def home(self) -> Home:
        """The person's home."""
        return Home(self.user, self.enforced.user_volume_prefix, self.runtime)

    @property
    def end(self) -> Ending:
        """How this server ends."""
        return Ending(self.runtime, self.place, self.home.databases)

    @property
    def shared(self) -> Shared:
        """What the person's groups share."""
        members = [group.name for group in self.user.groups]
        return Shared(
            self.sharing.rules,
            members,
            Path(self.group_secrets),
            self.enforced.group_variables,
        )

    def use_profile(self, profile: Profile) -> None:
        """Take over everything `profile` says; called once, before the start."""
        self.image = profile.image
        self.port = profile.port
        self.default_url = profile.default_url
        self.mem_limit = profile.memory
        self.cpu_limit = profile.cpu_limit
        self.cpu_guarantee = profile.cpu_guarantee
        operator = self.enforced
        self.environment: dict[str, Any] = self.environment | options.environment(profile, operator)
        bundle = operator.ca_bundle
        self.read_only_volumes = {bundle: options.CA_BUNDLE} if bundle else {}
        self.extra_host_config = options.host_config(profile, operator)
        labels = options.labels(self.place, operator.platform, self.home.database, profile.key)
        root = {"user": "root"} if options.starts_as_root(profile, operator) else {}
        health = {"interval": options.HEALTH_EVERY}
        self.extra_create_kwargs: dict[str, Any] = {"labels": labels, "healthcheck": health, **root}

    async def get_command(self) -> list[str] | None:
        """The image's own command, without asking the engine for it."""
        return [*self.cmd, *self.get_args()] if self.cmd else None

    def get_env(self) -> dict[str, str]:
        """The hub's own variables win over those of groups. Raises StartFailure."""
        own: dict[str, str] = super().get_env()
        try:
            return {**self.shared.environment(), **own}
        except SharingError as error:
            raise StartFailure(str(error)) from None

    # -- start -------------------------------------------------------------------------------

    async def start(self) -> str:
        """Start the container and return its URL once the server answers.

        Raises StartFailure with the last lines of the log when the container ends before that or
        time is up, and with words of `engine_trouble` when the engine or the filter fails a call.
        It can be cancelled at any moment and then returns at once. However it ends, whatever is
        left over is the business of `stop`, which JupyterHub calls next, and of reconciling.
        """
        self._unfinished = True
        began = time.monotonic()
        try:
            created, url = await self._start(began)
        except (ServerEndedError, NetworkError) as error:
            raise StartFailure(str(error)) from None
        except TimeoutError as error:
            lines = await self.end.last_lines()
            raise StartFailure(f"{error}. Its last lines:\n{lines}") from None
        except (AwayError, DockerException, requests.RequestException) as error:
            self.log.error("%s: the engine failed a call of its start: %s", self.object_name, error)
            raise engine_trouble(error) from error
        self._unfinished = False
        took = (self.object_name, created - began, time.monotonic() - created)
        self.log.info("%s: container %.2f s, server %.2f s", *took)
        return url

    async def _start(self, began: float) -> tuple[float, str]:
        """Returns when the container was there, and the URL."""
        place = self.place
        self.stages.tell(Stage.NETWORK)
        await self.end.clear(gently=False, network=False)
        self.address = await self.runtime.connect(place)
        self.extra_create_kwargs["networking_config"] = self.runtime.at(place, self.address)
        self.stages.tell(Stage.VOLUME)
        volume, said = await self.home.ready()
        if said:
            self.log.warning("%s", said)
        self.volumes = {volume: options.HOME}
        if limit := self.enforced.disk_limit_gb:
            self.extra_host_config |= options.disk_limit(limit, await self.docker("info"))
        await Folders(self).mount(self.sharing)
        self.stages.tell(Stage.CONTAINER)
        made = await self.create_object()
        self.object_id = made[self.object_id_key]
        await self.start_object()
        await self.runtime.look(place.container)
        self.remember()
        await self.runtime.joined(place)
        self.stages.tell(Stage.SERVER)
        created = time.monotonic()
        left = self.start_timeout - BEFORE_TIMEOUT - (created - began)
        url = await self.get_url()
        api = url_path_join(url, self.server.base_url, "api")
        await wait_until_answers(api, left, self.end.how)
        return created, url

    async def get_url(self) -> str:
        """Where the server is; JupyterHub asks when it was restarted during a start."""
        return f"http://{self.address}:{self.port}" if self.address else await super().get_url()

    # -- looking after it --------------------------------------------------------------------

    async def poll(self) -> int | str | None:  # noqa: PLR0911  one for each thing that can be seen
        """None while there may be something to stop, else how it ended.

        That is while the container runs, while the engine cannot tell, and after a start that was
        not finished.
        """
        if self._unfinished:
            return None
        try:
            found = await self.runtime.look(self.object_name)
        except AwayError as error:
            self.log.warning("Cannot tell whether %s runs: %s", self.object_name, error)
            return None
        if self._unfinished:  # begun meanwhile: what is there from now on is the start's
            return None
        if found is None:
            await self.end.clear_if_possible(gently=False)
            return 0
        if self.object_id not in ("", found.id):
            # The database is an older copy: the hub lacks that one's token, so it can only end.
            self.ending = ANOTHER
            self.log.warning("%s: %s", self.object_name, ANOTHER)
            self.runtime.left_behind()
            return ANOTHER
        counted.looked_at(runs=found.runs, starved=found.starved and not self.lost)
        if found.runs:
            self.lost = found.lost
            return None
        self.ending = found.why
        how = await self.end.describe(found)
        self.log.warning("%s", how)
        self.has_ended(found.exit_code, how)
        if not self._unfinished:
            await self.end.clear_if_possible(gently=False)
        return None if self._unfinished else how

    async def still_runs(self) -> bool:
        """Whether this very container runs, as far as that can be told without a look at it."""
        known = self.runtime.known.get(self.object_name)
        if known is None or known.id != self.object_id or not known.runs:
            return False
        with suppress(AwayError):  # a look says so in the log
            return await self.runtime.still_runs(known)
        return False

    # -- the end -----------------------------------------------------------------------------

    async def stop(self, now: bool = False) -> None:
        """End the container and remove what was made for it.

        An engine that does not do that now is no reason to raise, which would make JupyterHub
        forget the server all the same: the container is ended by reconciling, and until then it is
        reported, and counts as promised memory.
        """
        await self.end.clear_if_possible(gently=not (now or self._unfinished))
        self._unfinished = False
        self.clear_state()

    # -- state -------------------------------------------------------------------------------

    def get_state(self) -> dict[str, Any]:
        """What finds the container again, from the moment there is one."""
        state: dict[str, Any] = super().get_state()
        if self.object_id and self.address:
            state |= {"address": self.address, "port": self.port}
        return state

    def load_state(self, state: dict[str, Any]) -> None:
        """Find the container again."""
        super().load_state(state)
        self.address = state.get("address", "")
        self.port = state.get("port", self.port)
