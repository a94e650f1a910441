"""Makes a network for a server before its container is created and removes it afterwards.

One network per server, not per person: a person's second server may be shared with somebody, or
run something the first should not be reachable from. What is decided is in `plan`.
"""

import secrets
import threading
import time
from dataclasses import dataclass, field
from ipaddress import IPv4Network, ip_network
from typing import Any

from docker import APIClient
from docker.errors import APIError, NotFound
from docker.types import IPAMConfig, IPAMPool

from hub_config import names
from hub_config.runtime import plan
from hub_config.runtime.attachments import attach
from hub_config.runtime.interface import NetworkError
from hub_config.runtime.plan import Subnet
from hub_config.runtime.records import ATTACHED, GUARD, Member, has_addresses, members

_TAKEN = ("overlaps", "failed to allocate gateway")
"""The engine's words when somebody else took the subnet first: another one, or the very same."""

_NAME_TAKEN = 409

PATIENCE, LOOK_AGAIN = 60.0, 0.3
"""Seconds in which a swarm has to give an overlay its addresses, which are not there at once, and
an engine to judge the firewall, after its own restart or once more; and between two looks."""

_GONE = "not found"
"""The engine's words, with code 500, for an overlay that somebody else is just removing."""

_NOT_ON_IT = "is not connected"
"""What the engine answers when a container is to leave a network that it is not on."""


@dataclass
class ServerNetworks:
    """The networks of one platform's servers, as its hub makes and removes them.

    Every method calls the engine and so belongs in a thread; any number may run at once. None asks
    for what grows with everybody: subnets that are taken, and which containers are hub and proxy,
    are remembered until the engine says otherwise.
    """

    platform: str
    pool: IPv4Network
    firewall: bool = False
    """Whether the host's firewall must be in place before a server gets a network."""
    overlay: bool = False
    """Whether they reach over all nodes of a swarm."""

    _picking: threading.Lock = field(default_factory=threading.Lock)
    _reserved: set[IPv4Network] = field(default_factory=set)
    """Subnets that a network is being made of right now."""
    _taken: set[IPv4Network] | None = None
    """Subnets of all networks; None: to be asked for."""
    _attached: dict[str, Member] = field(default_factory=dict)
    """Hub and proxy."""

    def make(self, client: APIClient, name: str, user: str, server: str) -> dict[str, Any]:
        """The engine's record of the network `name`, made when it is not there. `join` follows.

        Raises NetworkError when it cannot be had, docker.errors.APIError when the engine fails.
        """
        self._look_at_firewall(client)
        made = self._find(client, name) or self._create(client, name, user, server)
        end = time.monotonic() + PATIENCE
        while not has_addresses(made):
            if time.monotonic() > end:
                raise NetworkError(f"the swarm gave {name} no addresses within {PATIENCE:g} s")
            time.sleep(LOOK_AGAIN)
            made = self._find(client, name) or made
        return made

    def join(self, client: APIClient, network: dict[str, Any]) -> None:
        """Attach hub and proxy. Raises NetworkError when one of them cannot be."""
        name = network["Name"]
        # One that was recreated is another container.
        for fresh in (False, True):
            services = self._hub_and_proxy(client, fresh=fresh)
            if absent := [one for one in ATTACHED if one not in services]:
                raise NetworkError(
                    f"there is no container of {' and '.join(absent)} in the Compose project "
                    f"{self.platform} that could be attached to the network {name}"
                )
            pairs = [(member, network) for member in services.values()]
            if len(attach(client, pairs)) == len(pairs):
                return
        raise NetworkError(
            f"hub and proxy could not be attached to the network {name}; the hub's log says why"
        )

    def remove(self, client: APIClient, name: str) -> None:
        """Remove the network `name`, whose container is gone; none of that name is no error.

        Raises docker.errors.APIError when the engine refuses, NetworkError for another's.
        """
        network = self._find(client, name)
        if network is None:
            return
        try:
            self._leave(client, network["Id"])
            client.remove_network(network["Id"])
        except APIError:
            # Hub or proxy was recreated; or the network is gone, then this finds so too.
            self._leave(client, network["Id"], fresh=True)
            try:
                client.remove_network(network["Id"])
            except APIError as error:
                if not isinstance(error, NotFound) and _GONE not in str(error):
                    raise
        # A swarm shows one that goes for a moment; the next start would put its server on it.
        end = time.monotonic() + PATIENCE
        while self.overlay and self._find(client, name) and time.monotonic() < end:
            time.sleep(LOOK_AGAIN)
        with self._picking:
            if self._taken is not None:
                self._taken -= _subnets([network])

    def _leave(self, client: APIClient, network: str, *, fresh: bool = False) -> None:
        """Take hub and proxy from a network: a stopped container that is still attached to one
        that was removed can never start again.
        """
        for member in self._hub_and_proxy(client, fresh=fresh).values():
            try:
                client.disconnect_container_from_network(member.container, network, force=True)
            except APIError as error:
                gone = fresh and isinstance(error, NotFound)
                if not gone and _NOT_ON_IT not in str(error):
                    raise

    def _hub_and_proxy(self, client: APIClient, *, fresh: bool = False) -> dict[str, Member]:
        if fresh or len(self._attached) < len(ATTACHED):
            services = members(client, self.platform)
            self._attached = {one: services[one] for one in ATTACHED if one in services}
        return self._attached

    def _look_at_firewall(self, client: APIClient) -> None:
        if not self.firewall:
            return
        guard = members(client, self.platform, GUARD).get(GUARD)
        # An engine that was restarted knows of no container before its own next check of each.
        end = time.monotonic() + PATIENCE
        while guard and guard.is_doubtful and time.monotonic() < end:
            time.sleep(LOOK_AGAIN)
            guard = members(client, self.platform, GUARD).get(GUARD)
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
                    **driver(self.platform, self.pool, subnet, overlay=self.overlay),
                )
            except APIError as error:
                if any(word in str(error) for word in _TAKEN):
                    # Another platform on this engine was faster: its network is in the list now.
                    refused.add(subnet.network)
                    with self._picking:
                        self._taken = None
                    continue
                if error.status_code != _NAME_TAKEN:  # another thread, or a process before us
                    raise
            else:
                with self._picking:
                    if self._taken is not None:
                        self._taken.add(subnet.network)
            finally:
                with self._picking:
                    self._reserved.discard(subnet.network)
            found = self._find(client, name)
            if found is None:
                raise NetworkError(f"the network {name} vanished while it was being made")
            return found

    def _reserve(self, client: APIClient, refused: set[IPv4Network]) -> Subnet:
        """Some free subnet, kept from other threads until its network is made."""
        with self._picking:
            # What was removed by others counts until there is nothing else left.
            for known in (self._taken, None):
                self._taken = _subnets(client.networks()) if known is None else known
                taken = self._taken | refused | self._reserved
                free = plan.free_subnets(self.pool, taken, secrets.randbelow(2**20))
                if (subnet := next(free, None)) is not None:
                    self._reserved.add(subnet.network)
                    return subnet
        mend = "stop servers, or give the platform a larger JHUB_ADDRESS_POOL"
        raise NetworkError(f"all addresses of the pool {self.pool} are in use; {mend}")


def driver(
    platform: str, pool: IPv4Network, subnet: Subnet, *, overlay: bool = False
) -> dict[str, Any]:
    """What makes a server's network: docker-py's arguments."""
    if overlay:  # as a plain container, neither hub nor proxy could join one that is not attachable
        return {"driver": "overlay", "attachable": True, "options": None}
    name = plan.bridge(platform, pool, subnet)
    return {"driver": "bridge", "options": {"com.docker.network.bridge.name": name}}


def _subnets(networks: list[dict[str, Any]]) -> set[IPv4Network]:
    """The IPv4 subnets of all networks of the engine."""
    found = set()
    for network in networks:
        for config in (network.get("IPAM") or {}).get("Config") or []:
            subnet = ip_network(config.get("Subnet", "::/128"), strict=False)
            if isinstance(subnet, IPv4Network):
                found.add(subnet)
    return found
