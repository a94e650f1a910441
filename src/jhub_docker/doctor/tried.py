"""Tries things out in containers of the hub's image that are thrown away: what a server could
reach, whether homes have room and GPUs can be had, how backups went. Nothing of them stays.
"""

import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from ipaddress import IPv4Network
from typing import Any

from docker.errors import APIError
from docker.types import DeviceRequest, IPAMConfig, IPAMPool

from jhub_docker import engine
from jhub_docker.catalog.identity import LABEL
from jhub_docker.doctor.findings import WARNING, Finding
from jhub_docker.engine import lock
from jhub_docker.platform import containers
from jhub_docker.platform.compose import BACKUP, HUB, PROXY, PYTHON, Platform
from jhub_docker.progress import say

DOCTOR = f"{LABEL}.doctor"
"""Label of all that is made here; no name says so, since a platform may be called anything."""

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


PROFILES, DEVICES = "JHUB_GPU_PROFILES", "JHUB_GPU_DEVICES"
GPU = [["gpu"]]
"""The capability that NVIDIA's runtime knows its requests by."""


@contextmanager
def alone(platform: Platform) -> Iterator[None]:
    """Meanwhile no other doctor tries anything; what one left that was killed is taken away."""
    with lock.held(f"{platform.project}.doctor", f"another doctor of {platform.project}"):
        ours = f"{DOCTOR}={platform.project}"
        for name in containers.clear(ours):
            say(f"{name}, which another doctor left, is removed")
        try:
            yield
        finally:  # what was being made when this was interrupted has no other name
            containers.clear(ours)


def reached(platform: Platform, pool: str, bridges: str) -> list[str]:
    """What a container on a network like a server's can reach and may not.

    `pool` are the servers' addresses, `bridges` how their networks' interfaces are called.
    """
    targets = [["the cloud's metadata", METADATA, 80]]
    for service, port in ((HUB, 8081), (PROXY, 8001)):
        for one in containers.inspected(platform, service):
            for name, network in one["NetworkSettings"]["Networks"].items():
                if address := network["IPAddress"]:
                    targets.append([f"the {service} on the network {name}", address, port])
    # The last addresses there are, which the hub takes last.
    *_, last = IPv4Network(pool).subnets(new_prefix=28)
    try:
        network = engine.client().networks.create(
            # The engine gives a name once, and a platform may be called anything.
            f"{platform.project}-doctor-{secrets.token_hex(4)}",
            labels={DOCTOR: platform.project},
            ipam=IPAMConfig(pool_configs=[IPAMPool(str(last), gateway=str(last[1]))]),
            options={"com.docker.network.bridge.name": f"{bridges}doc"},
        )
        for port in (22, platform.port):
            targets.append([f"port {port} of the host", str(last[1]), port])
        return list(run(platform, REACH, json.dumps(targets), network=network.id))
    finally:  # what was interrupted has left its container on it
        containers.clear(f"{DOCTOR}={platform.project}")


def room(platform: Platform) -> Mapping[str, list[int]]:
    """Room of people's volumes that have a file system of their own: free and all blocks, free and
    all inodes."""
    own = {name for mounts in platform.volumes.values() for name in mounts.values()}
    homes = [name for name in containers.volumes(platform) if name not in own]
    binds = {name: {"bind": f"/volumes/{name}", "mode": "ro"} for name in homes}
    return dict(run(platform, ROOM, volumes=binds, network="none")) if homes else {}


def backups(platform: Platform) -> dict[str, Any]:
    """How backups went; empty where none was ever made."""
    volume = platform.volumes[BACKUP]["/srv/backup"]
    if not containers.has_volume(volume):
        return {}
    binds = {volume: {"bind": "/srv/backup", "mode": "ro"}}
    return dict(run(platform, STATUS, volumes=binds, network="none"))


def gpus(platform: Platform) -> Iterator[Finding]:
    """Ask the engine for each as for a server; and what the engine does not say it has."""
    variables = platform.hub_environment
    stars = [one for one in _parts(variables, DEVICES) if "*" in one]
    if stars and not engine.api().info().get("DiscoveredDevices"):
        told = f"{', '.join(stars)}: this engine tells of no devices, so write their names out"
        yield Finding("JD051", f"{DEVICES}: {told}", WARNING)
    for what, wanted in gpu_requests(variables):
        try:
            run(platform, "print(1)", network="none", device_requests=[wanted])
        except APIError as error:
            yield Finding("JD051", f"{what}: {error.explanation or error}", WARNING)


def gpu_requests(variables: Mapping[str, str]) -> Iterator[tuple[str, DeviceRequest]]:
    """What servers ask for, with what the setting says: all GPUs, devices by CDI, devices by
    NVIDIA's runtime.
    """
    if everything := [one for one in _parts(variables, PROFILES) if "=" not in one]:
        yield ", ".join(everything), DeviceRequest(count=-1, capabilities=GPU)
    named = [one for one in _parts(variables, DEVICES) if "*" not in one]
    if cdi := [one for one in named if "=" in one]:
        yield ", ".join(cdi), DeviceRequest(driver="cdi", device_ids=cdi)
    if others := [one for one in named if "=" not in one]:
        yield ", ".join(others), DeviceRequest(device_ids=others, capabilities=GPU)


def _parts(variables: Mapping[str, str], name: str) -> list[str]:
    """What a setting lists, without what a device is to be called."""
    parts = (one.partition(" as ")[0].strip() for one in variables.get(name, "").split(","))
    return [one for one in parts if one]


def run(platform: Platform, program: str, *given: str, **options: Any) -> Any:
    """What a program prints as JSON."""
    ended = containers.thrown_away(
        platform,
        HUB,
        ["-I", "-c", program, *given],
        entrypoint=PYTHON,
        labels={DOCTOR: platform.project},
        user="root",
        cap_drop=["ALL"],
        cap_add=["DAC_READ_SEARCH"],
        security_opt=["no-new-privileges"],
        healthcheck={"test": ["NONE"]},
        **options,
    )
    return json.loads(ended.require(lines=1))
