"""Tries things out in containers of the hub's image that are thrown away: what a server could
reach, whether homes have room, how backups went, whether the engine gives a GPU. Nothing stays.
"""

import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from ipaddress import IPv4Network
from typing import Any

from docker import DockerClient
from docker.errors import APIError
from docker.models.networks import Network
from docker.types import DeviceRequest, IPAMConfig, IPAMPool

from jhub_docker.catalog.identity import LABEL
from jhub_docker.engine import lock
from jhub_docker.errors import ActionError
from jhub_docker.platform import containers
from jhub_docker.platform.compose import BACKUP, HUB, PROXY, PYTHON, Platform
from jhub_docker.progress import say

METADATA = "169.254.169.254"

REACH = """
import concurrent.futures, json, socket, sys
def reached(target):
    try:
        socket.create_connection(target[1:], 3).close()
    except ConnectionRefusedError:
        return True  # a refusal is an answer of the machine itself
    except OSError:
        return False
    return True
targets = json.loads(sys.argv[1])
with concurrent.futures.ThreadPoolExecutor(16) as side_by_side:
    found = list(side_by_side.map(reached, targets))
print(json.dumps([one[0] for one, was in zip(targets, found) if was]))
"""
"""Prints which of the targets, each a name, a host and a port, anything answers at."""

ROOM = """
import json, os, pathlib
engines = os.stat("/etc/hosts").st_dev  # Docker keeps that file beside its volumes
found = {}
for path in pathlib.Path("/volumes").iterdir():
    if path.stat().st_dev != engines:
        told = os.statvfs(path)
        found[path.name] = [told.f_bavail, told.f_blocks, told.f_favail, told.f_files]
print(json.dumps(found))
"""
"""Prints room and inodes of the volumes that have a file system of their own."""

STATUS = """
import pathlib
file = pathlib.Path("/srv/backup/status.json")
print(file.read_text("utf-8") if file.is_file() else "{}")
"""
"""Prints how backups went, as their container keeps it; there is nothing before the first one."""


@contextmanager
def alone(client: DockerClient, platform: Platform) -> Iterator[None]:
    """Meanwhile no other doctor tries anything; what one left that was killed is taken away."""
    with lock.held(f"{platform.project}.doctor", f"another doctor of {platform.project}"):
        for name in _clear(client, platform):
            say(f"{name}, which another doctor left, is removed")
        try:
            yield
        finally:  # what was being made when this was interrupted has no other name
            _clear(client, platform)


def _clear(client: DockerClient, platform: Platform) -> list[str]:
    """Remove all that is made here; what it was."""
    ours = {"label": [f"{key}={value}" for key, value in _label(platform).items()]}
    made, networks = (
        client.api.containers(all=True, filters=ours),
        client.api.networks(filters=ours),
    )
    for one in made:
        containers.remove(client, one["Id"])
    for one in networks:
        containers.unless_gone(client.api.remove_network, one["Id"])
    names = [f"the container {containers.name(one)}" for one in made]
    return names + [f"the network {one['Name']}" for one in networks]


def _label(platform: Platform) -> dict[str, str]:
    """Of all that is made here; no name says so, since a platform may be called anything."""
    return {f"{LABEL}.doctor": platform.project}


def reached(client: DockerClient, platform: Platform, pool: str, bridges: str) -> list[str]:
    """What a container on a network like a server's can reach and may not.

    `pool` are the servers' addresses, `bridges` how their networks' interfaces are called.
    """
    targets = [["the cloud's metadata", METADATA, 80]]
    for service, port in ((HUB, 8081), (PROXY, 8001)):
        for one in containers.inspected(client, platform, service):
            for name, network in one["NetworkSettings"]["Networks"].items():
                if address := network["IPAddress"]:
                    targets.append([f"the {service} on the network {name}", address, port])
    with _network(client, platform, pool, bridges) as network:
        gateway = network.attrs["IPAM"]["Config"][0]["Gateway"]
        targets += [[f"port {port} of the host", gateway, port] for port in (22, platform.port)]
        return list(_run(client, platform, REACH, json.dumps(targets), network=network.id))


@contextmanager
def _network(
    client: DockerClient, platform: Platform, pool: str, bridges: str
) -> Iterator[Network]:
    """A network like a server's, with the last addresses there are, which the hub takes last."""
    *_, last = IPv4Network(pool).subnets(new_prefix=28)
    made = client.networks.create(
        # The engine gives a name once, and a platform may be called anything.
        f"{platform.project}-doctor-{secrets.token_hex(4)}",
        labels=_label(platform),
        ipam=IPAMConfig(pool_configs=[IPAMPool(str(last), gateway=str(last[1]))]),
        options={"com.docker.network.bridge.name": f"{bridges}doc"},
    )
    try:
        made.reload()
        yield made
    finally:
        made.remove()


def room(client: DockerClient, platform: Platform) -> Mapping[str, list[int]]:
    """Room of people's volumes that have a file system of their own: free and all blocks, free and
    all inodes."""
    own = {name for mounts in platform.volumes.values() for name in mounts.values()}
    homes = [name for name in containers.volumes(client, platform) if name not in own]
    binds = {name: {"bind": f"/volumes/{name}", "mode": "ro"} for name in homes}
    return dict(_run(client, platform, ROOM, volumes=binds, network="none")) if homes else {}


def backups(client: DockerClient, platform: Platform) -> dict[str, Any]:
    """How backups went; empty where none was ever made."""
    volume = platform.of_all_profiles().volumes[BACKUP]["/srv/backup"]
    if not client.api.volumes(filters={"name": f"^{volume}$"})["Volumes"]:
        return {}
    binds = {volume: {"bind": "/srv/backup", "mode": "ro"}}
    return dict(_run(client, platform, STATUS, volumes=binds, network="none"))


def gpu(client: DockerClient, platform: Platform, wanted: DeviceRequest) -> str:
    """What the engine says when it is asked for GPUs as for a server; empty where it gives them."""
    try:
        _run(client, platform, "print(1)", network="none", device_requests=[wanted])
    except APIError as error:
        return str(error.explanation or error)
    return ""


def _run(
    client: DockerClient, platform: Platform, program: str, *given: str, **options: Any
) -> Any:
    """What a program prints as JSON."""
    made = client.containers.create(
        platform.images[HUB],
        ["-I", "-c", program, *given],
        entrypoint=PYTHON,
        labels=_label(platform),
        user="root",
        cap_drop=["ALL"],
        cap_add=["DAC_READ_SEARCH"],
        security_opt=["no-new-privileges"],
        healthcheck={"test": ["NONE"]},
        **options,
    )
    try:
        made.start()
        code = int(made.wait(timeout=120)["StatusCode"])
        out = made.logs(stdout=True, stderr=False).decode(errors="replace")
        if code:
            said = made.logs(stdout=False, stderr=True).decode(errors="replace").strip()
            raise ActionError(said.splitlines()[-1] if said else f"exit code {code}")
        return json.loads(out)
    finally:
        made.remove(force=True)
