"""What a profile and the operator's settings mean for the Docker Engine. Pure."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from hub_config import names, tracing
from hub_config.offer.profiles import Profile, bounded, size
from hub_config.offer.room import DISK_GB, devices_found
from hub_config.offer.stock import Stock
from hub_config.runtime.interface import Place
from hub_config.settings import Settings
from hub_config.settings.gpus import entries, known

log = logging.getLogger(__name__)

HOME = "/home/nebula"
SHARED = "/srv/shared"
"""Below it are the folders of a person's groups."""

NEW_SHARED = "/srv/new-shared-folder"
"""A folder of the images whose mode a new shared folder takes over."""

CA_BUNDLE = "/etc/jhub-docker/ca-bundle.crt"
"""Where the single-user images look for the operator's certificates."""

AS_ROOT_UNTIL_SETPRIV = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "SETGID", "SETUID"]
"""What the start script needs to adapt the ids and drop to the person, and tini to signal them."""

SUDO = [*AS_ROOT_UNTIL_SETPRIV, "AUDIT_WRITE", "FSETID"]
"""What people with sudo get besides: sudo writes to the audit log, and files keep their set-id bits
when a package manager hands them over. The rest of Docker's default set is listed with reasons in
the hub's README."""

ALL_GPUS = {"Count": -1, "Capabilities": [["gpu"]]}
"""What `docker run --gpus all` asks for (Engine API, DeviceRequest): the NVIDIA Container Toolkit
on the host makes the devices and libraries appear."""

_DOCKER_PY = {
    "Memory": "mem_limit",
    "MemorySwap": "memswap_limit",
    "CpuPeriod": "cpu_period",
    "CpuQuota": "cpu_quota",
    "CpuShares": "cpu_shares",
}
"""What docker-py's HostConfig calls the limits of `size`."""

HEALTH_EVERY = 300 * 10**9
"""Nanoseconds between two runs of an image's own health check, once the server is up. Each is some
60 ms of a CPU (seen with Docker Engine 26.1), so that 300 servers would keep most of one busy with
one every thirty seconds. The hub does not go by them; it asks the engine what runs."""

LOG_FILES = 3
"""Files of a container's log that are kept, each up to the configured size."""

RUN_BYTES = 16 * 2**20
"""Size of /run where the root file system is read-only; it counts as memory of the container."""


def host_config(profile: Profile, operator: Settings) -> dict[str, Any]:
    """Limits and privileges (Engine API, ContainerCreate, HostConfig).

    All capabilities are dropped. A profile with sudo gets back what `SUDO` lists; any other none,
    or those the start script needs when it begins as root, and it cannot gain any.
    """
    config: dict[str, Any] = {
        "pids_limit": operator.pids_limit,
        "cap_drop": ["ALL"],
        # The spawner removes the container itself, after it has read why it ended.
        "auto_remove": False,
        # A full disk is everybody's.
        "log_config": {
            "type": "json-file",
            "config": {"max-size": operator.log_size, "max-file": str(LOG_FILES)},
        },
        # No core dumps: they are large, and the host may have a program of root's take them.
        "ulimits": [{"name": "core", "soft": 0, "hard": 0}],
        # What processes share (/dev/shm), which is part of the memory; the engine's 64 MB are not
        # enough for PyTorch's loaders of data.
        "shm_size": profile.memory // 2,
    }
    config |= {_DOCKER_PY[name]: amount for name, amount in size(profile).items()}
    if profile.sudo:
        config["cap_add"] = list(SUDO)
    else:
        config["security_opt"] = ["no-new-privileges"]
        if starts_as_root(profile, operator):
            config["cap_add"] = list(AS_ROOT_UNTIL_SETPRIV)
    if wanted := device_requests(profile, operator):
        config["device_requests"] = wanted
    # sudo is granted by writing to /etc, and is of little use where nothing can be installed.
    if operator.read_only_root and not profile.sudo:
        config["read_only"] = True
        config["tmpfs"] = {
            # Programs are built and run here. What is in it counts as memory.
            "/tmp": f"rw,exec,nosuid,nodev,mode=1777,size={profile.memory // 2}",  # noqa: S108
            "/run": f"rw,noexec,nosuid,nodev,mode=755,size={RUN_BYTES}",
        }
    return config


def device_requests(profile: Profile, operator: Settings) -> list[dict[str, Any]]:
    """All GPUs, or the very devices that the server is given (Engine API, DeviceRequest)."""
    if profile.key in operator.gpu_profiles:
        return [{"count": ALL_GPUS["Count"], "capabilities": ALL_GPUS["Capabilities"]}]
    cdi = [one for one in profile.devices if "=" in one]
    nvidia = [one for one in profile.devices if "=" not in one]
    requests: list[dict[str, Any]] = [{"driver": "cdi", "device_ids": cdi}] if cdi else []
    if nvidia:
        requests.append({"device_ids": nvidia, "capabilities": ALL_GPUS["Capabilities"]})
    return requests


def gpu_notices(
    offer: Iterable[Profile], operator: Settings, info: Mapping[str, Any]
) -> Iterator[str]:
    """What an operator should know about profiles that ask for more GPUs than there are to give."""
    stock = Stock(known(entries(operator.gpu_devices), devices_found(info)))
    for profile in offer:
        if lack := stock.lack(bounded(profile, operator).gpus):
            yield f"{profile.key} cannot be started: {lack} JHUB_GPU_DEVICES lists what they get."


def starts_as_root(profile: Profile, operator: Settings) -> bool:
    """Whether the start script needs root before it drops to the person."""
    return profile.sudo or operator.nb_uid is not None or operator.nb_gid is not None


def environment(profile: Profile, operator: Settings) -> dict[str, str]:
    """What the start script reads, and everything else that runs there."""
    variables = {}
    if operator.nb_uid is not None:
        variables["NB_UID"] = str(operator.nb_uid)
    if operator.nb_gid is not None:
        variables["NB_GID"] = str(operator.nb_gid)
    if profile.sudo:
        variables["GRANT_SUDO"] = "yes"
    if operator.timezone:
        variables["TZ"] = operator.timezone
    if operator.locale:
        variables["LANG"] = operator.locale
    return variables


def labels(place: Place, platform: str, database: str, profile: Profile) -> dict[str, str]:
    """By these the hub and others find what belongs to whom, and which devices are taken."""
    devices = {names.DEVICES: ",".join(profile.devices)} if profile.devices else {}
    return devices | {
        names.PLATFORM: platform,
        names.USER: place.user,
        names.SERVER: place.server,
        names.PROFILE: profile.key,
        names.DATABASE: database,
        names.REQUEST: tracing.current_id(),
    }


# -- how much is written beside the home --------------------------------------------------------

# Homes are volumes of the engine's local driver, which knows no sizes: only a quota of the file
# system below (such as xfs project quotas, set by the operator on the host) can limit them.

_LIMITS_DISK = frozenset({"btrfs", "zfs", "windowsfilter"})
"""Storage drivers that always can (Docker's reference: docker container run, --storage-opt)."""


def _why_no_limit(info: Mapping[str, Any]) -> str:
    """Why a container's size cannot be limited here; empty when it can.

    `info` is the engine's (Engine API, SystemInfo). Whether an xfs file system is mounted with
    pquota is not in it: then the engine itself refuses the container and says so.
    """
    driver = str(info.get("Driver") or "unknown")
    if driver in _LIMITS_DISK:
        return ""
    status = dict(info.get("DriverStatus") or [])
    backing = status.get("Backing Filesystem", "unknown")
    if driver == "overlay2":
        if backing == "xfs":
            return ""
        return f"the engine's files are on {backing}, and overlay2 can do it on xfs only"
    return f"the engine's storage driver {driver} cannot do it"


def disk_limit_notice(disk_limit_gb: float, info: Mapping[str, Any]) -> str:
    """What an operator should know about the setting on this engine; empty for nothing."""
    reason = _why_no_limit(info) if disk_limit_gb else ""
    if not reason:
        return ""
    return (
        f"JHUB_DISK_LIMIT_GB={disk_limit_gb:g} has no effect here: {reason} (mounted with pquota). "
        "Servers start without this limit."
    )


def disk_limit(disk_limit_gb: float, info: Mapping[str, Any]) -> dict[str, Any]:
    """What docker-py's HostConfig has to say of the limit; where it cannot be, that is logged."""
    if told := disk_limit_notice(disk_limit_gb, info):
        log.warning("%s", told)
    storage = storage_opt(disk_limit_gb, info)
    return {"storage_opt": storage} if storage else {}


def storage_opt(disk_limit_gb: float, info: Mapping[str, Any]) -> dict[str, str]:
    """The limit for the engine (Engine API, HostConfig, StorageOpt); empty where it cannot be."""
    if not disk_limit_gb or _why_no_limit(info):
        return {}
    return {"size": str(int(disk_limit_gb * DISK_GB))}
