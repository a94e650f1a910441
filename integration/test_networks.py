"""Networks of servers: one each, from the platform's own pool, gone when the server is."""

import json
from ipaddress import IPv4Network
from typing import Any

from jhub_docker.catalog.identity import LABEL
from jhub_testing.person import MakePerson
from jhub_testing.platforms import Platform

ENGINE = "unix:///run/engine/docker.sock"
"""What the hub calls: the filter before the engine."""

TWENTY = """
import json, os, sys
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Network
from docker import APIClient
from docker.utils import kwargs_from_env
from hub_config.runtime import records
from hub_config.runtime.networks import ServerNetworks

platform, prefix = os.environ["JHUB_PLATFORM"], os.environ["JHUB_NETWORK"]
networks = ServerNetworks(platform, IPv4Network("10.213.0.0/16"))
client = APIClient(version="auto", max_pool_size=20, **kwargs_from_env())
names = {f"{prefix}-parallel-{number}": f"parallel-{number}" for number in range(20)}
with ThreadPoolExecutor(len(names)) as threads:
    subnets = list(threads.map(lambda name: networks.ensure(client, name, names[name], ""), names))
    ids = {network["Id"] for network in client.networks() if network["Name"] in names}
    attached = records.members(client, platform)
    missing = [service for service in records.ATTACHED if ids - attached[service].networks]
    list(threads.map(lambda name: networks.remove(client, name), names))
json.dump([[str(subnet.network) for subnet in subnets], len(ids), missing], sys.stdout)
"""
"""Asks for twenty networks at once and gives them back, in the hub's container."""


def of_servers(platform: Platform) -> list[dict[str, Any]]:
    labels = [f"{LABEL}.platform={platform.project}", f"{LABEL}.user"]
    found: list[dict[str, Any]] = platform.engine.client.api.networks(filters={"label": labels})
    return found


def test_twenty_at_once_are_all_different_and_all_removed(platform: Platform) -> None:
    before = {network["Id"] for network in of_servers(platform)}
    code, output = platform.container("hub").exec_run(
        ["python", "-c", TWENTY], environment={"DOCKER_HOST": ENGINE}, demux=True
    )
    assert code == 0, output[1].decode()
    subnets, made, missing = json.loads(output[0])
    assert len({IPv4Network(subnet) for subnet in subnets}) == len(subnets) == 20
    assert made == 20
    assert missing == [], "not attached to every one of them"
    assert {network["Id"] for network in of_servers(platform)} == before


def test_a_network_comes_and_goes_with_its_server(
    make_person: MakePerson, platform: Platform
) -> None:
    person = make_person("net-ada").choose("uv-lab-small")
    (container,) = platform.servers(person.name)
    attached = container.attrs["NetworkSettings"]["Networks"]
    (network,) = [
        one for one in of_servers(platform) if one["Labels"][f"{LABEL}.user"] == "net-ada"
    ]
    assert list(attached) == [network["Name"]], "a server is on its own network and no other"
    assert network["EnableIPv6"] is False
    assert IPv4Network(network["IPAM"]["Config"][0]["Subnet"]).prefixlen == 28
    assert network["Labels"][f"{LABEL}.platform"] == platform.project
    person.stop()
    assert network["Id"] not in {one["Id"] for one in of_servers(platform)}
