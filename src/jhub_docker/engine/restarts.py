"""What an engine needs so that its own restart drops nobody, and whether one has it. Pure but for
reading dockerd's configuration.

Seen with Docker Engine 26.1 and connections held open while dockerd was restarted: `live-restore`
keeps the containers; connections from elsewhere go through the kernel's address translation and
survive; those to 127.0.0.1 go through `docker-proxy`, a child of dockerd that dies with it, and are
cut unless `userland-proxy` is off. `live-restore` and swarm mode exclude each other (Docker
documentation, "Live restore").
"""

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

CONFIGURATION = Path("/etc/docker/daemon.json")
DATA_ROOT = Path("/var/lib/docker")

_WANTED = {"live-restore": "--live-restore", "userland-proxy": "--userland-proxy=false"}


def configuration(path: Path = CONFIGURATION) -> dict[str, Any]:
    """What the machine's owner told dockerd; empty where nothing (readable) is there.

    A file that is broken is for dockerd to complain about.
    """
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def in_swarm(arguments: Sequence[str] = ()) -> bool:
    """Whether the engine with these arguments is a swarm's: its data root keeps a swarm's state."""
    options = dict(pairwise(arguments))
    root = options.get("--data-root") or configuration().get("data-root") or DATA_ROOT
    return (Path(root) / "swarm" / "docker-state.json").exists()


def flags(configured: Mapping[str, Any], *, swarm: bool = False) -> tuple[str, ...]:
    """dockerd's options for a restart that drops nobody.

    What the machine's owner configured stays as it is: dockerd refuses to start when an option is
    both in its file and on its command line.
    """
    wanted = dict(_WANTED)
    if swarm:
        del wanted["live-restore"]
    return tuple(flag for name, flag in wanted.items() if name not in configured)


def hint(info: Mapping[str, Any]) -> str | None:
    """What to change so that a restart of this engine keeps people's servers; None for nothing.

    `info` is the engine's own account of itself (Engine API, SystemInfo).
    """
    if info.get("LiveRestoreEnabled") or info.get("OperatingSystem") == "Docker Desktop":
        return None
    lost = "A restart of the Docker Engine would end everybody's servers"
    if dict(info.get("Swarm") or {}).get("LocalNodeState", "inactive") != "inactive":
        return f"{lost}: it is part of a swarm, which excludes live-restore."
    return (
        f'{lost}: put "live-restore": true into {CONFIGURATION} and reload it '
        "(systemctl reload docker)."
    )
