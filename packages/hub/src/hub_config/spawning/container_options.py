"""What a profile and the operator's settings mean for the Docker Engine. Pure."""

from dataclasses import dataclass
from typing import Any

from hub_config.spawning.profiles import Profile

LABEL = "io.jhub-docker"
HOME = "/home/nebula"
CA_BUNDLE = "/etc/jhub-docker/ca-bundle.crt"
"""Where the single-user images look for the operator's certificates."""

AS_ROOT_UNTIL_SETPRIV = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "SETGID", "SETUID"]
"""What the start script needs to adapt the ids and drop to the person, and tini to signal them."""


SUDO = [
    *AS_ROOT_UNTIL_SETPRIV,
    *("AUDIT_WRITE", "FSETID", "NET_BIND_SERVICE", "SETPCAP", "SYS_CHROOT"),
]
"""What people with sudo get besides: apt, su and chroot work, and sudo can log. Of Docker's default
set MKNOD, NET_RAW and SETFCAP are missing: no device nodes, no forged packets, and no file that
hands out capabilities."""


@dataclass(frozen=True)
class Operator:
    """The settings that concern every container."""

    pids_limit: int = 4096
    nb_uid: int | None = None
    nb_gid: int | None = None


def host_config(profile: Profile, operator: Operator) -> dict[str, Any]:
    """Limits and privileges (Engine API, ContainerCreate, HostConfig).

    Memory and swap together are limited to the profile's memory, otherwise swap would double it.
    All capabilities are dropped. A profile with sudo gets back what `SUDO` lists; any other none,
    or those the start script needs when it begins as root, and it cannot gain any.
    """
    config: dict[str, Any] = {
        "mem_limit": profile.memory,
        "memswap_limit": profile.memory,
        "pids_limit": operator.pids_limit,
        "cap_drop": ["ALL"],
        # The spawner removes the container itself, after it has read why it ended.
        "auto_remove": False,
    }
    if profile.cpu_guarantee:
        config["cpu_shares"] = max(2, int(profile.cpu_guarantee * 1024))
    if profile.sudo:
        config["cap_add"] = list(SUDO)
    else:
        config["security_opt"] = ["no-new-privileges"]
        if starts_as_root(profile, operator):
            config["cap_add"] = list(AS_ROOT_UNTIL_SETPRIV)
    return config


def starts_as_root(profile: Profile, operator: Operator) -> bool:
    """Whether the start script needs root before it drops to the person."""
    return profile.sudo or operator.nb_uid is not None or operator.nb_gid is not None


def environment(profile: Profile, operator: Operator) -> dict[str, str]:
    """What the start script reads."""
    variables = {}
    if operator.nb_uid is not None:
        variables["NB_UID"] = str(operator.nb_uid)
    if operator.nb_gid is not None:
        variables["NB_GID"] = str(operator.nb_gid)
    if profile.sudo:
        variables["GRANT_SUDO"] = "yes"
    return variables


def labels(platform: str, user: str, server: str, profile: str) -> dict[str, str]:
    """By these an operator, a backup and the tests find what belongs to whom."""
    return {
        f"{LABEL}.platform": platform,
        f"{LABEL}.user": user,
        f"{LABEL}.server": server,
        f"{LABEL}.profile": profile,
    }
