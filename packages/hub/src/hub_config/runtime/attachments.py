"""Attaches hub and proxy to servers' networks: a recreated container has lost all of its own."""

import logging
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

from docker import APIClient
from docker.errors import APIError, NotFound
from docker.utils import kwargs_from_env

from hub_config.runtime import records
from hub_config.runtime.client import Client
from hub_config.runtime.plan import Subnet

log = logging.getLogger(__name__)

THREADS = 8
"""Attachments that are under way at the same time."""

ALREADY_THERE = ("already exists in network", "is already attached to network")
"""What the engine answers for a container that is attached: to a bridge (403), an overlay (409)."""


def attach_missing(client: APIClient, platform: str) -> list[str]:
    """Attach hub and proxy wherever they are missing on the platform's servers' networks.

    Returns a line per attachment made, `proxy: jupyterhub-net-ada`. Can be called at any time, from
    several processes: what is attached stays, networks that vanish meanwhile do not matter. What
    the engine refuses is logged, and the other attachments are made.

    Raises docker.errors.APIError or requests.RequestException when the engine cannot be asked.
    """
    services = records.members(client, platform)
    theirs = records.server_networks(client, platform)
    if rival := services.get(records.RIVAL):
        # It was the hub: its place is this one's, and nothing of it reaches a server any more.
        taken = [network for network in theirs if network["Id"] in rival.networks]
        with ThreadPoolExecutor(THREADS, "detach") as threads:
            list(threads.map(lambda network: _detach(client, rival, network), taken))
    present = [services[service] for service in records.ATTACHED if service in services]
    missing = [
        (member, network)
        for network in theirs
        for member in present
        if network["Id"] not in member.networks
    ]
    return attach(client, missing)


def attach_all(platform: str) -> list[str]:
    """The same for who has no client at hand."""
    with closing(Client(version="auto", **kwargs_from_env())) as client:
        return attach_missing(client, platform)


def attach(
    client: APIClient, missing: Iterable[tuple[records.Member, dict[str, Any]]]
) -> list[str]:
    """Attach each member to its network, several at a time; returns a line per attachment."""
    pairs = list(missing)
    with ThreadPoolExecutor(THREADS, "attach") as threads:
        done = threads.map(lambda pair: _attach(client, *pair), pairs)
        return [
            f"{member.service}: {network['Name']}"
            for (member, network), made in zip(pairs, done, strict=True)
            if made
        ]


def _attach(client: APIClient, member: records.Member, network: dict[str, Any]) -> bool:
    try:
        connect(client, member, network["Id"], records.subnet_of(network))
    except NotFound:
        return False
    except APIError as error:
        log.error("Cannot attach %s to %s: %s", member.service, network["Name"], error)
        return False
    return True


def _detach(client: APIClient, member: records.Member, network: dict[str, Any]) -> None:
    try:
        client.disconnect_container_from_network(member.container, network["Id"], force=True)
    except APIError as error:  # attaching fails then too, and both are tried again
        log.warning("Cannot detach %s from %s: %s", member.service, network["Name"], error)


def connect(client: APIClient, member: records.Member, network: str, subnet: Subnet) -> None:
    """Attach hub or proxy to one network, at its place and under its name.

    Raises docker.errors.APIError when the engine refuses, not when it is attached already.
    """
    try:
        client.connect_container_to_network(
            member.container,
            network,
            ipv4_address=records.address(member.service, subnet),
            aliases=[member.service],
        )
    except APIError as error:
        if not any(words in str(error) for words in ALREADY_THERE):
            raise
