"""What a new container may get of the host (Engine API 1.45, ContainerCreate, HostConfig). Pure."""

import re
from typing import Any

from engine_filter.bodies import Check, fields, number, one_of, subset, table, text, texts, yes
from engine_filter.policy import Policy
from engine_filter.refusal import Refused
from hub_config.spawning import container_options as options

_MOST = 2**62
_SAFE_SECURITY = frozenset({"no-new-privileges", "no-new-privileges:true"})
_LOG_OPTIONS = frozenset({"max-size", "max-file"})
_TMPFS = ("/tmp", "/run")  # noqa: S108  in the container
_SIZE = re.compile(r"(^|,)size=[1-9][0-9]*(,|$)")
_NO_CORE_DUMPS = {"Name": "core", "Soft": 0, "Hard": 0}


def host_config(value: Any, policy: Policy, *, sudo: bool, gpus: bool) -> dict[str, Any]:
    """The HostConfig to pass on.

    `sudo` says whether the profile lets people become root, `gpus` whether it has the host's GPUs.
    Raises Refused for a field that is not listed here, a value beyond its limits, and a limit
    that is missing.
    """
    where = "HostConfig"
    allowed_capabilities = frozenset(options.SUDO if sudo else options.AS_ROOT_UNTIL_SETPRIV)
    devices: dict[str, Check] = {"DeviceRequests": _all_gpus} if gpus else {}
    kept = fields(
        value,
        devices
        | {
            # Limits.
            "Memory": number(2**20, _MOST),
            "MemorySwap": number(2**20, _MOST),
            "PidsLimit": number(1, policy.pids_limit),
            "CpuShares": number(2, 262144),
            "CpuPeriod": number(1000, 1000000),
            "CpuQuota": number(1000, _MOST),
            "Ulimits": one_of([_NO_CORE_DUMPS]),
            "LogConfig": _log_config,
            "StorageOpt": _storage,
            "Tmpfs": _tmpfs,
            "ReadonlyRootfs": yes,
            # Privileges.
            "CapDrop": one_of(["ALL"]),
            "CapAdd": subset(allowed_capabilities),
            "SecurityOpt": subset(_SAFE_SECURITY),
            # What it sees. Each name is judged where the engine's answer is at hand.
            "NetworkMode": text,
            "Binds": texts,
        },
        where,
    )
    for name in ("Memory", "MemorySwap", "PidsLimit", "LogConfig", "CapDrop", "NetworkMode"):
        if name not in kept:
            raise Refused(f"{where}.{name} has to be set")
    if kept["MemorySwap"] != kept["Memory"]:
        raise Refused(f"{where}.MemorySwap has to be the same as Memory: no swap beyond it")
    if not sudo and not kept.get("SecurityOpt"):
        raise Refused(f"{where}.SecurityOpt has to be no-new-privileges for this profile")
    return kept


def _all_gpus(value: Any, where: str) -> list[dict[str, Any]]:
    wanted = options.ALL_GPUS
    match value:
        case [dict() as one] if {name: inner for name, inner in one.items() if inner} == wanted:
            return [wanted]
    raise Refused(f"{where} may only ask for all GPUs")


def _log_config(value: Any, where: str) -> dict[str, Any]:
    kept = fields(value, {"Type": one_of("json-file"), "Config": table}, where)
    if extra := sorted(set(kept.get("Config", {})) - _LOG_OPTIONS):
        raise Refused(f"{where}.Config may not hold {extra[0][:100]}")
    if "Type" not in kept or "max-size" not in kept.get("Config", {}):
        raise Refused(f"{where} has to limit the log's size")
    return kept


def _tmpfs(value: Any, where: str) -> dict[str, str]:
    kept = table(value, where)
    for place, mount_options in kept.items():
        if place not in _TMPFS or not _SIZE.search(mount_options):
            raise Refused(f"{where} may only be {' and '.join(_TMPFS)}, each with a size")
    return kept


def _storage(value: Any, where: str) -> dict[str, str]:
    kept = table(value, where)
    if set(kept) != {"size"}:
        raise Refused(f"{where} may only hold size")
    return kept
