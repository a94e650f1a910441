"""One person's server as one container of the Docker Engine.

It is composed of the runtime (`hub_config.runtime`), home, what groups share, limits (`options`);
DockerSpawner makes the container. Its start and end are those of every server (`server_spawner`).
Which profile it is, and whether there may be a server at all, is decided in `profile_spawner`.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests
from docker import APIClient
from docker.errors import DockerException
from dockerspawner import DockerSpawner
from traitlets import default

from hub_config import names
from hub_config.offer.profiles import Profile
from hub_config.runtime.docker import DockerRuntime
from hub_config.runtime.interface import AwayError, Place
from hub_config.runtime.networks import ServerNetworks
from hub_config.runtime.plan import HUB_PORT, hub_beside
from hub_config.spawning import options
from hub_config.spawning.folders import Folders
from hub_config.spawning.server_spawner import UserServerSpawner
from hub_config.told import Stage, StartFailure, engine_trouble


class UserContainerSpawner(UserServerSpawner, DockerSpawner):
    """Starts and ends the container of one server."""

    remove = True
    use_internal_ip = True
    pull_policy = "skip"

    _runtime: DockerRuntime | None = None

    # -- parts -------------------------------------------------------------------------------

    @property
    def runtime(self) -> DockerRuntime:
        """Where servers run; one for the whole hub."""
        cls = UserContainerSpawner
        if cls._runtime is None:
            enforced = self.enforced
            firewall = self.operator.firewall == "required"
            networks = ServerNetworks(enforced.platform, enforced.address_pool, firewall)
            cls._runtime = self.make_runtime(networks)
        return cls._runtime

    def make_runtime(self, networks: ServerNetworks) -> DockerRuntime:
        """One engine."""
        return DockerRuntime(networks, self.operator.docker_threads)

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
        labels = options.labels(self.place, operator.platform, self.home.database, profile)
        root = {"user": "root"} if options.starts_as_root(profile, operator) else {}
        health = {"interval": options.HEALTH_EVERY}
        self.extra_create_kwargs: dict[str, Any] = {"labels": labels, "healthcheck": health, **root}

    async def get_command(self) -> list[str] | None:
        """The image's own command, without asking the engine for it."""
        return [*self.cmd, *self.get_args()] if self.cmd else None

    # -- start -------------------------------------------------------------------------------

    async def begin(self) -> tuple[str, str]:
        """Make network and home; returns the address there, and the home's volume."""
        self.stages.tell(Stage.NETWORK)
        await self.end.clear(gently=False, network=False)
        address = await self.runtime.connect(self.place)
        # By no name: who tells those is the engine, and what runs goes on without it.
        self.hub_connect_url = f"http://{hub_beside(address)}:{HUB_PORT}"
        self.stages.tell(Stage.VOLUME)
        return address, await self.home.ready()

    async def make(self) -> None:
        """Make network, home and container, and start it."""
        place = self.place
        self.address, home = await self.begin()
        self.extra_create_kwargs["networking_config"] = self.runtime.at(place, self.address)
        self.volumes = {home: options.HOME}
        if limit := self.enforced.disk_limit_gb:
            self.extra_host_config |= options.disk_limit(limit, await self.docker("info"))
        await Folders(self).mount()
        self.stages.tell(Stage.CONTAINER)
        made = await self.create_object()
        self.object_id = made[self.object_id_key]
        await self.start_object()
        await self.runtime.look(place.container)
        self.remember()
        await self.runtime.joined(place)

    def trouble(self, error: Exception) -> StartFailure | None:
        """What to tell a person when the engine, or the filter before it, fails a call."""
        if isinstance(error, AwayError | DockerException | requests.RequestException):
            return engine_trouble(error)
        return None
