"""What a profile and the operator's settings mean for a service of a swarm. Pure, and the same for
the hub, which makes services, and the filter, which judges them.

A service takes less than a container: no swap, CPU shares, disk limits or devices by request
(Engine API 1.45, ServiceCreate); docs/swarm.md says what follows from that.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from docker.types import HostConfig

from hub_config import SettingsError
from hub_config.groups import Mode
from hub_config.offer.profiles import Profile
from hub_config.settings import Settings
from hub_config.spawning import options

NO_ADDRESS = {"Mode": "dnsrr"}
"""A service has no address besides its task's: one of the swarm's balancer would drop connections
that were quiet for fifteen minutes."""

CPU = 10**9


def template(
    profile: Profile,
    operator: Settings,
    *,
    container: Mapping[str, Any],
    mounts: Sequence[Mapping[str, Any]],
    network: str,
    node: Mapping[str, Any],
) -> dict[str, Any]:
    """The task (Engine API, TaskSpec). `container` is what a server has of its own: image, command,
    variables, labels; `node` is the swarm's record of where its home is.
    """
    host = options.host_config(profile, operator)
    made = HostConfig(version="1.45", **host)
    limits = {"MemoryBytes": profile.memory, "Pids": host["pids_limit"]}
    if profile.cpu_limit:
        # A node refuses a task that may have more CPUs than it has itself.
        has = node["Description"]["Resources"]["NanoCPUs"]
        limits["NanoCPUs"] = min(int(profile.cpu_limit * CPU), has)
    shared = {"Type": "tmpfs", "Target": "/dev/shm"}  # noqa: S108
    spec = {
        **container,
        "CapabilityDrop": made["CapDrop"],
        # A swarm ends what is not healthy, which a server that computes may be for a while.
        "Healthcheck": {"Test": ["NONE"]},
        "Mounts": [*mounts, {**shared, "TmpfsOptions": {"SizeBytes": host["shm_size"]}}],
        "Ulimits": made["Ulimits"],
    }
    if "cap_add" in host:
        spec["CapabilityAdd"] = made["CapAdd"]
    if not profile.sudo:
        spec["Privileges"] = {"NoNewPrivileges": True}
    if options.starts_as_root(profile, operator):
        spec["User"] = "root"
    log = made["LogConfig"]
    return {
        "ContainerSpec": spec,
        "Resources": {"Limits": limits, "Reservations": {"MemoryBytes": profile.memory}},
        "RestartPolicy": {"Condition": "none"},
        "Placement": {"Constraints": [f"node.id=={node['ID']}"]},
        "Networks": [{"Target": network}],
        "LogDriver": {"Name": log["Type"], "Options": log["Config"]},
    }


def notices(operator: Settings, info: Mapping[str, Any]) -> Iterator[str]:
    """What an operator should know about servers as services of the engine that says `info` of
    itself (Engine API, SystemInfo). Raises SettingsError where it can make none.
    """
    if operator.runtime != "swarm":
        return
    if not (info.get("Swarm") or {}).get("ControlAvailable"):
        raise SettingsError(
            "JHUB_RUNTIME=swarm, and this engine is no manager of a swarm: make it one by "
            "`docker swarm init`, or run the platform on one that is."
        )
    yield "On a swarm a restart of an engine ends the servers on it: live-restore cannot be had."
    yield "Out of memory and killed from outside look alike on a swarm; swap has no limit of ours."
    if operator.group_folders or not operator.shared_path:
        yield (
            "On a swarm groups have no shared folders of their own; those that config.toml names "
            "are in JHUB_SHARED_PATH, if that is set (docs/swarm.md)."
        )


def bundle(operator: Settings) -> list[dict[str, Any]]:
    """The mount of the operator's certificates, a file that each node has."""
    if not operator.ca_bundle:
        return []
    place = {"Source": operator.ca_bundle, "Target": options.CA_BUNDLE}
    return [{"Type": "bind", "ReadOnly": True, **place}]


def folders(operator: Settings, named: Mapping[str, Mode]) -> list[dict[str, Any]]:
    """The mounts of shared folders, which each node has at the operator's path."""
    return [
        {
            "Type": "bind",
            "Source": f"{operator.shared_path}/{name}",
            "Target": f"{options.SHARED}/{name}",
            "ReadOnly": mode != "read-write",
        }
        for name, mode in sorted(named.items())
        if operator.shared_path
    ]
