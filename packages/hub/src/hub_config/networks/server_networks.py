"""Makes a network for a server before its container is created, and removes it afterwards.

One network per server, not per person: a person's second server may be shared with somebody, or
run something the first should not be reachable from. What is decided is in `pool`.
"""

import threading
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Network, ip_network
from typing import Any

from docker import APIClient
from docker.errors import APIError, NotFound
from docker.types import IPAMConfig, IPAMPool

from hub_config import names
from hub_config.networks import members, pool
from hub_config.networks.members import ATTACHED, GUARD, Member, attach, subnet_of
from hub_config.networks.pool import Subnet

_OVERLAPS = "overlaps"
"""The engine's word when somebody else took the subnet first (libnetwork/ipam: "Pool overlaps")."""

_NAME_TAKEN = 409


class NetworkError(Exception):
    """There can be no network for a server now; the message says why and what to do."""


@dataclass(frozen=True)
class Made:
    """A server's network that is there, and what is still to be attached to it."""

    name: str
    subnet: Subnet
    missing: tuple[tuple[Member, dict[str, Any]], ...]


@dataclass
class ServerNetworks:
    """The networks of one platform's servers, as its hub makes and removes them.

    Every method calls the engine and so belongs in a thread; any number may run at once.
    """

    platform: str
    pool: IPv4Network
    firewall: bool = False
    """Whether the host's firewall must be in place before a server gets a network."""

    _picking: threading.Lock = field(default_factory=threading.Lock)
    _reserved: set[IPv4Network] = field(default_factory=set)
    """Subnets that some thread is making a network of right now."""

    def ensure(self, client: APIClient, name: str, user: str, server: str) -> Subnet:
        """The network `name` with hub and proxy on it: `make` and `join`."""
        made = self.make(client, name, user, server)
        self.join(client, made)
        return made.subnet

    def make(self, client: APIClient, name: str, user: str, server: str) -> Made:
        """The network `name`; made when it is not there. `join` has to follow.

        Raises NetworkError when it cannot be had, docker.errors.APIError when the engine fails.
        """
        services = members.members(client, self.platform)
        self._look_at_firewall(services)
        network = self._find(client, name) or self._create(client, name, user, server)
        if absent := [service for service in ATTACHED if service not in services]:
            raise NetworkError(
                f"there is no container of {' and '.join(absent)} in the Compose project "
                f"{self.platform} that could be attached to the network {name}"
            )
        missing = tuple(
            (services[service], network)
            for service in ATTACHED
            if network["Id"] not in services[service].networks
        )
        return Made(name, subnet_of(network), missing)

    def join(self, client: APIClient, made: Made) -> None:
        """Attach hub and proxy. Raises NetworkError when one of them cannot be."""
        if len(attach(client, made.missing)) < len(made.missing):
            raise NetworkError(
                f"hub and proxy could not be attached to the network {made.name}; the hub's log "
                "says why"
            )

    def remove(self, client: APIClient, name: str) -> None:
        """Remove the network `name`, whose container is gone; none of that name is no error.

        Raises docker.errors.APIError when the engine refuses.
        """
        network = self._find(client, name)
        if network is None:
            return
        services = members.members(client, self.platform)
        with suppress(NotFound):
            # A stopped container that is still attached to a removed network can never start again.
            for service in ATTACHED:
                member = services.get(service)
                if member and network["Id"] in member.networks:
                    client.disconnect_container_from_network(
                        member.container, network["Id"], force=True
                    )
            client.remove_network(network["Id"])

    def _look_at_firewall(self, services: dict[str, Member]) -> None:
        if not self.firewall:
            return
        guard = services.get(GUARD)
        if guard is None or not guard.is_healthy:
            state = guard.state if guard else "it has no container"
            raise NetworkError(
                f"the host's firewall is not in place (service {GUARD}: {state}), so no server is "
                f"started. Its log says why: ./dev invoke logs -s {GUARD}"
            )

    def _find(self, client: APIClient, name: str) -> dict[str, Any] | None:
        # The engine's filter finds parts of names too.
        found: list[dict[str, Any]] = client.networks(filters={"name": name})
        for network in found:
            if network["Name"] == name:
                if (network["Labels"] or {}).get(names.PLATFORM) != self.platform:
                    raise NetworkError(
                        f"the network {name} exists and is not this platform's; "
                        "remove it, or choose another JHUB_NETWORK"
                    )
                return network
        return None

    def _create(self, client: APIClient, name: str, user: str, server: str) -> dict[str, Any]:
        labels = {names.PLATFORM: self.platform, names.USER: user, names.SERVER: server}
        refused: set[IPv4Network] = set()
        while True:
            subnet = self._reserve(client, refused)
            try:
                client.create_network(
                    name,
                    driver="bridge",
                    enable_ipv6=False,
                    ipam=IPAMConfig(
                        pool_configs=[
                            IPAMPool(
                                subnet=str(subnet.network),
                                gateway=subnet.gateway,
                                iprange=subnet.for_others,
                            )
                        ]
                    ),
                    labels=labels,
                    options={
                        "com.docker.network.bridge.name": pool.bridge(
                            self.platform, self.pool, subnet
                        )
                    },
                )
            except APIError as error:
                if error.status_code == _NAME_TAKEN:
                    pass  # another thread, or a process before us, made it
                elif _OVERLAPS in str(error):
                    # Another platform on this engine was faster: its network is in the list now.
                    refused.add(subnet.network)
                    continue
                else:
                    raise
            finally:
                with self._picking:
                    self._reserved.discard(subnet.network)
            found = self._find(client, name)
            if found is None:
                raise NetworkError(f"the network {name} vanished while it was being made")
            return found

    def _reserve(self, client: APIClient, refused: set[IPv4Network]) -> Subnet:
        """The lowest free subnet, kept from other threads until its network is made."""
        with self._picking:
            taken = [*_subnets(client.networks()), *refused, *self._reserved]
            subnet = next(pool.free(self.pool, taken), None)
            if subnet is None:
                raise NetworkError(
                    f"all addresses of the pool {self.pool} are in use; stop servers, or give the "
                    "platform a larger JHUB_ADDRESS_POOL"
                )
            self._reserved.add(subnet.network)
            return subnet


def _subnets(networks: list[dict[str, Any]]) -> list[IPv4Network]:
    """The IPv4 subnets of all networks of the engine."""
    found = []
    for network in networks:
        for config in (network.get("IPAM") or {}).get("Config") or []:
            subnet = ip_network(config.get("Subnet", "::/128"), strict=False)
            if isinstance(subnet, IPv4Network):
                found.append(subnet)
    return found
