"""Makes a network for a server before its container is created, removes it afterwards, and attaches
hub and proxy wherever they are missing: a recreated container has lost all its networks.

One network per server, not per person: a person's second server may be shared with somebody, or
run something the first should not be reachable from. What is decided is in `plan`.
"""

import logging
import sys
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Network, ip_network
from typing import Any

import requests
from docker import APIClient
from docker.errors import APIError, DockerException, NotFound
from docker.types import IPAMConfig, IPAMPool
from docker.utils import kwargs_from_env

from hub_config import names
from hub_config.runtime import plan, records
from hub_config.runtime.plan import Subnet
from hub_config.runtime.records import (
    ATTACHED,
    GUARD,
    Member,
    address,
    members,
    server_networks,
    subnet_of,
)

log = logging.getLogger(__name__)

THREADS = 8
"""Attachments that are under way at the same time."""

ALREADY_THERE = "already exists in network"
"""What the engine answers, with code 403, for a container that is attached."""


def attach_missing(client: APIClient, platform: str) -> list[str]:
    """Attach hub and proxy wherever they are missing on the platform's servers' networks.

    Returns a line per attachment made, `proxy: jupyterhub-net-ada`. Can be called at any time, from
    several processes: what is attached stays, networks that vanish meanwhile do not matter. What
    the engine refuses is logged, and the other attachments are made.

    Raises docker.errors.APIError or requests.RequestException when the engine cannot be asked.
    """
    services = members(client, platform)
    present = [services[service] for service in ATTACHED if service in services]
    missing = [
        (member, network)
        for network in server_networks(client, platform)
        for member in present
        if network["Id"] not in member.networks
    ]
    return attach(client, missing)


def attach_at_start(platform: str) -> None:
    """Attach hub and proxy before JupyterHub looks whether servers answer: it stops those that do
    not. An engine that does not answer is no reason not to start: people can still log in, and the
    log says what is missing.
    """
    try:
        with closing(APIClient(version="auto", **kwargs_from_env())) as client:
            for line in attach_missing(client, platform):
                print(f"Attached {line}", file=sys.stderr)
    except (DockerException, requests.RequestException) as error:
        print(f"Networks of running servers may lack the hub: {error}", file=sys.stderr)


def attach(client: APIClient, missing: Iterable[tuple[Member, dict[str, Any]]]) -> list[str]:
    """Attach each member to its network, several at a time; returns a line per attachment."""
    pairs = list(missing)
    with ThreadPoolExecutor(THREADS, "attach") as threads:
        done = threads.map(lambda pair: _attach(client, *pair), pairs)
        return [
            f"{member.service}: {network['Name']}"
            for (member, network), made in zip(pairs, done, strict=True)
            if made
        ]


def _attach(client: APIClient, member: Member, network: dict[str, Any]) -> bool:
    try:
        connect(client, member, network["Id"], subnet_of(network))
    except NotFound:
        return False
    except APIError as error:
        log.error("Cannot attach %s to %s: %s", member.service, network["Name"], error)
        return False
    return True


def connect(client: APIClient, member: Member, network: str, subnet: Subnet) -> None:
    """Attach hub or proxy to one network, at its place and under its name.

    Raises docker.errors.APIError when the engine refuses, not when it is attached already.
    """
    try:
        client.connect_container_to_network(
            member.container,
            network,
            ipv4_address=address(member.service, subnet),
            aliases=[member.service],
        )
    except APIError as error:
        if ALREADY_THERE not in str(error):
            raise


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
        services = records.members(client, self.platform)
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
        services = records.members(client, self.platform)
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
                        "com.docker.network.bridge.name": plan.bridge(
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
            subnet = next(plan.free_subnets(self.pool, taken), None)
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
