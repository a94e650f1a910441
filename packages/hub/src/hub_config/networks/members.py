"""Hub and proxy on the servers' networks: found by what Compose labels them, attached where they
are missing. A recreated container has lost all its networks.

Needs no settings: which networks there are, and the addresses on them, is read from the engine.
"""

import logging
import sys
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any

import requests
from docker import APIClient
from docker.errors import APIError, DockerException, NotFound
from docker.utils import kwargs_from_env

from hub_config import names
from hub_config.networks.pool import Subnet

HUB, PROXY, GUARD = "hub", "proxy", "guard"
"""Services of compose.yaml; the first two are aliases on every server's network as well."""

ATTACHED = (HUB, PROXY)


@dataclass(frozen=True)
class Member:
    """A container of one of the platform's services."""

    service: str
    container: str
    state: str
    """As the engine puts it, with the health check's word: `Up 5 minutes (healthy)`."""
    networks: frozenset[str]
    """Ids of the networks it is attached to."""

    @property
    def is_healthy(self) -> bool:
        """Whether its health check says so."""
        return "(healthy)" in self.state


def members(client: APIClient, platform: str) -> dict[str, Member]:
    """The containers of the platform's services, by service; running ones before others.

    While Compose replaces a container there are two for a moment; one-off ones do not count.
    """
    label = f"com.docker.compose.project={platform}"
    found: dict[str, Member] = {}
    listed = client.containers(all=True, filters={"label": label})
    for record in sorted(listed, key=lambda record: record["State"] != "running"):
        labels: Mapping[str, str] = record["Labels"]
        service = labels.get("com.docker.compose.service", "")
        if labels.get("com.docker.compose.oneoff") != "True" and service not in found:
            attached = record["NetworkSettings"]["Networks"].values()
            found[service] = Member(
                service,
                record["Id"],
                record["Status"],
                frozenset(network["NetworkID"] for network in attached),
            )
    return found


def address(service: str, subnet: Subnet) -> str:
    """Where hub and proxy are on a server's network."""
    return subnet.hub if service == HUB else subnet.proxy


def server_networks(client: APIClient, platform: str) -> list[dict[str, Any]]:
    """The engine's records of the platform's networks that were made for servers."""
    wanted = [f"{names.PLATFORM}={platform}", names.USER]
    found: list[dict[str, Any]] = client.networks(filters={"label": wanted})
    return found


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


def subnet_of(network: dict[str, Any]) -> Subnet:
    """The addresses of a network, from the engine's record."""
    return Subnet(IPv4Network(network["IPAM"]["Config"][0]["Subnet"]))
