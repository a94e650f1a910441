"""Whether the engine can limit how much a container writes beside the home. Pure.

Homes are volumes of the engine's local driver, which knows no sizes: only a quota of the file
system below (such as xfs project quotas, set by the operator on the host) can limit them.
"""

from collections.abc import Mapping
from typing import Any

GB = 10**9
"""Bytes, as disks are sold."""

_ABLE = frozenset({"btrfs", "zfs", "windowsfilter"})
"""Storage drivers that always can (Docker's reference: docker container run, --storage-opt)."""


def why_not(info: Mapping[str, Any]) -> str:
    """Why a container's size cannot be limited here; empty when it can.

    `info` is the engine's (Engine API, SystemInfo). Whether an xfs file system is mounted with
    pquota is not in it: then the engine itself refuses the container and says so.
    """
    driver = str(info.get("Driver") or "unknown")
    if driver in _ABLE:
        return ""
    status = dict(info.get("DriverStatus") or [])
    backing = status.get("Backing Filesystem", "unknown")
    if driver == "overlay2":
        if backing == "xfs":
            return ""
        return f"the engine's files are on {backing}, and overlay2 can do it on xfs only"
    return f"the engine's storage driver {driver} cannot do it"


def notice(disk_limit_gb: float, info: Mapping[str, Any]) -> str:
    """What an operator should know about the setting on this engine; empty for nothing."""
    reason = why_not(info) if disk_limit_gb else ""
    if not reason:
        return ""
    return (
        f"JHUB_DISK_LIMIT_GB={disk_limit_gb:g} has no effect here: {reason} (mounted with pquota). "
        "Servers start without this limit."
    )


def storage_opt(disk_limit_gb: float, info: Mapping[str, Any]) -> dict[str, str]:
    """The limit for the engine (Engine API, HostConfig, StorageOpt); empty where it cannot be."""
    if not disk_limit_gb or why_not(info):
        return {}
    return {"size": str(int(disk_limit_gb * GB))}
