"""The containers that are attached to every server's network, found by what Compose labels them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from docker import APIClient

from hub_config.networks.pool import Subnet
from hub_config.runtime import names

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
