"""What a new container gets of the host (Engine API 1.45, ContainerCreate, HostConfig). Pure.

Limits and privileges follow from the profile and the operator's settings, by the same function
that the hub uses. So there is nothing to bound: they are just those, or the call is refused.
"""

import json
from typing import Any

from docker.types import HostConfig

from engine_filter.bodies import Check, fields, text, texts
from engine_filter.calls import Refused
from hub_config.offer.profiles import Profile
from hub_config.settings import Settings
from hub_config.spawning import options

SETTLED = (
    # Limits.
    *("Memory", "MemorySwap", "CpuPeriod", "CpuQuota", "CpuShares", "PidsLimit"),
    *("Ulimits", "LogConfig", "StorageOpt", "ReadonlyRootfs", "ShmSize", "Tmpfs"),
    # Privileges.
    *("CapDrop", "CapAdd", "SecurityOpt", "DeviceRequests"),
)
"""The fields that follow from profile and settings; which of them there are does as well."""


def host_config(
    value: Any, profile: Profile, settings: Settings, storage: dict[str, str]
) -> dict[str, Any]:
    """The HostConfig to pass on; `storage` is the StorageOpt it has to have, empty for none.

    Raises Refused for a field that is not listed here, and for one that is other than it has to be.
    """
    where = "HostConfig"
    wanted = settled(profile, settings)
    if storage:
        wanted["StorageOpt"] = storage
    checks = {name: _exactly(wanted.get(name), profile) for name in SETTLED}
    # What it sees. Each name is judged where the engine's answer is at hand.
    kept = fields(value, checks | {"NetworkMode": text, "Binds": texts}, where)
    for name in wanted:
        if name not in kept:
            raise Refused(_has_to_be(f"{where}.{name}", wanted[name], profile))
    if "NetworkMode" not in kept:
        raise Refused(f"{where}.NetworkMode has to be set")
    return kept


def settled(profile: Profile, settings: Settings) -> dict[str, Any]:
    """Limits and privileges by the Engine API's names, without those that are empty."""
    made = HostConfig(version="1.45", **options.host_config(profile, settings))
    return {name: value for name, value in made.items() if value and name != "NetworkMode"}


def _exactly(wanted: Any, profile: Profile) -> Check:
    def check(value: Any, where: str) -> Any:
        if value != wanted:
            raise Refused(_has_to_be(where, wanted, profile))
        return wanted

    return check


def _has_to_be(where: str, wanted: Any, profile: Profile) -> str:
    what = "left out" if wanted is None else json.dumps(wanted)
    return f"{where} has to be {what} for {profile.key}"
