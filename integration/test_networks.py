"""Networks of servers: one each, from the platform's own pool, gone when the server is."""

import json
from ipaddress import IPv4Network
from typing import Any

from jhub_docker.catalog.identity import LABEL
from jhub_testing.person import MakePerson
from jhub_testing.platforms import Platform
from jhub_testing.waiting import wait_until

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
client = APIClient(version="auto", max_pool_size=20, timeout=300, **kwargs_from_env())
names = {f"{prefix}-parallel-{number}": f"parallel-{number}" for number in range(20)}
def made(name):
    network = networks.make(client, name, names[name], "")
    networks.join(client, network)
    return records.subnet_of(network)
with ThreadPoolExecutor(len(names)) as threads:
    subnets = list(threads.map(made, names))
    ids = {network["Id"] for network in client.networks() if network["Name"] in names}
    attached = records.members(client, platform)
    missing = [service for service in records.ATTACHED if ids - attached[service].networks]
    list(threads.map(lambda name: networks.remove(client, name), names))
json.dump([[str(subnet.network) for subnet in subnets], len(ids), missing], sys.stdout)
"""
"""Asks for twenty networks at once and gives them back, in the hub's container."""

LEFT_BEHIND = """
import fcntl, socket, struct, sys
from ipaddress import IPv4Network

network, name = IPv4Network(sys.argv[1]), b"jh-00000-0"
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as kernel:
    fcntl.ioctl(kernel, 0x89A0, name + b"\\0")  # netdevice(7), linux/sockios.h
    for request, address in (0x8916, network[1]), (0x891C, network.netmask):
        payload = struct.pack("HH4s8x", socket.AF_INET, 0, address.packed)
        fcntl.ioctl(kernel, request, struct.pack("16s16s8x", name, payload))
    fcntl.ioctl(kernel, 0x8914, struct.pack("16sH14x", name, 0x1))
"""
"""A bridge with a network's addresses, as an engine that was killed leaves it: made in the
guard, which has the host's network. Argument: the subnet."""


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
    guard = platform.container("guard")
    subnet = network["IPAM"]["Config"][0]["Subnet"]
    code, output = guard.exec_run(["python", "-c", LEFT_BEHIND, subnet])
    assert code == 0, output.decode()
    wait_until(
        lambda: guard.exec_run(["test", "-e", "/sys/class/net/jh-00000-0"]).exit_code == 1,
        "a guard to remove the bridge that took the server's addresses",
    )
    person.stop()
    assert network["Id"] not in {one["Id"] for one in of_servers(platform)}
