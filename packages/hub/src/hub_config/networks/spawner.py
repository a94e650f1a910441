"""The part of the spawner that gives a server its own network before its container is created."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import requests
from docker.errors import DockerException
from traitlets import Bool, default

from hub_config.networks.server_networks import NetworkError, ServerNetworks
from hub_config.spawning.container import names
from hub_config.spawning.engine_spawner import EngineSpawner

Result = TypeVar("Result")


class NetworkedSpawner(EngineSpawner):
    """A container on a network that only hub and proxy share with it."""

    firewall = Bool(False, help="Start servers only behind the host's firewall").tag(config=True)

    _shared_networks: ServerNetworks | None = None
    _joining: "asyncio.Future[None] | None" = None

    @property
    def networks(self) -> ServerNetworks:
        """All servers' networks of the platform: who gets which subnet is decided in one place."""
        cls = NetworkedSpawner
        if cls._shared_networks is None:
            platform, pool = self.enforced.platform, self.enforced.address_pool
            cls._shared_networks = ServerNetworks(platform, pool, self.firewall)
        return cls._shared_networks

    @default("network_name")
    def _network_name_default(self) -> str:
        return names.network(self.enforced.network, self.user.name, self.name)

    async def ensure_network(self) -> None:
        """Make the server's network and choose its address there; `network_joined` has to follow.

        The container can be made and started while hub and proxy are being attached: they are
        needed once the server is up. When cancelled meanwhile, wait until there is something that
        can be removed. Raises NetworkError when there can be none.
        """
        making = asyncio.ensure_future(
            self._in_thread(
                self.networks.make, self.client, self.network_name, self.user.name, self.name
            )
        )
        try:
            made = await asyncio.shield(making)
        except asyncio.CancelledError:
            await asyncio.wait([making])
            raise
        self._joining = asyncio.ensure_future(
            self._in_thread(self.networks.join, self.client, made)
        )
        place = self.client.create_endpoint_config(ipv4_address=made.subnet.server)
        config = self.client.create_networking_config({self.network_name: place})
        self.extra_create_kwargs["networking_config"] = config

    async def network_joined(self) -> None:
        """Return once hub and proxy are on the network. Raises NetworkError when they cannot be."""
        if self._joining is not None:
            await asyncio.shield(self._joining)

    async def release_network(self) -> None:
        """Remove the server's network; one that cannot be removed now is tried again later."""
        joining, self._joining = self._joining, None
        if joining is not None:  # what is attached later would be in the way
            await asyncio.gather(joining, return_exceptions=True)
        try:
            await self._in_thread(self.networks.release, self.client, self.network_name)
        except (DockerException, requests.RequestException, NetworkError) as error:
            self.log.warning("Cannot remove the network %s: %s", self.network_name, error)

    async def _in_thread(self, call: Callable[..., Result], *arguments: Any) -> Result:
        """Something that calls the engine, on one of the threads for that."""
        return await asyncio.wrap_future(self.executor.submit(call, *arguments))
