"""What an engine and its client must be able to do, each as a judgement of its own message.

Everything is checked before any work begins. Nothing here changes anything.
"""

import os
import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from jhub_docker.engine import quick
from jhub_docker.engine.address import address, api, client, docker, socket_path
from jhub_docker.errors import ActionError, UsageError
from jhub_docker.process import MissingProgramError
from jhub_docker.table import size

MIN_ENGINE = (25, 0)
"""The first engine that knows a health check's start interval, which every image declares
(Docker Engine release notes, 25.0: API 1.44 and BuildKit 0.12, whose Dockerfile frontend parses
`HEALTHCHECK --start-interval`; an older one refuses to build the file)."""

MIN_BUILDX = (0, 13)
"""The oldest buildx that the builds were tried with (Debian 13's)."""

MIN_COMPOSE = (2, 20)
"""`start_interval` in a Compose file (Compose release notes, 2.20.2)."""

MIN_FREE_GB = 5.0
"""Free space for images, in 10^9 bytes; the environment's JHUB_DOCKER_MIN_FREE_GB overrides it."""

NEEDS = frozenset({"buildx", "compose", "disk"})
_PACKAGES = "the package docker-{0}-plugin or docker-{1}"
_PLUGINS = {
    "buildx": ("buildx plugin", _PACKAGES.format("buildx", "buildx"), MIN_BUILDX),
    "compose": ("Compose v2 plugin", _PACKAGES.format("compose", "compose-v2"), MIN_COMPOSE),
}


def version_of(text: str) -> tuple[int, ...] | None:
    """The first dotted number in `text`: `v0.13.1+ds1` is (0, 13, 1); None where there is none."""
    match = re.search(r"\d+(?:\.\d+)+", text)
    return tuple(int(part) for part in match.group().split(".")) if match else None


def judge_engine(version: str, system: str) -> str | None:
    """What is wrong with an engine of this version that runs containers of this system, if any."""
    if system != "linux":
        return f"the Docker Engine runs {system} containers: switch it to Linux containers"
    found = version_of(version)
    if found is not None and found < MIN_ENGINE:
        return (
            f"the Docker Engine is version {version}, and {_dotted(MIN_ENGINE)} or newer is "
            "needed: upgrade it"
        )
    return None


def judge_disk(root: str, free: int, minimum_gb: float) -> str | None:
    """What is wrong with `free` bytes left where the engine keeps its data, if anything."""
    if free >= minimum_gb * 1e9:
        return None
    return (
        f"the disk of the Docker Engine's data ({root}) has {size(free)} left, and "
        f"{minimum_gb:g} GB are needed: make room (`docker system df` shows what is used; "
        "`docker builder prune` and `docker image prune` free some)"
    )


def minimum_free_gb(text: str | None) -> float:
    """The threshold that JHUB_DOCKER_MIN_FREE_GB sets; raises UsageError for what is no number."""
    if not text:
        return MIN_FREE_GB
    try:
        return float(text)
    except ValueError:
        raise UsageError(
            f"JHUB_DOCKER_MIN_FREE_GB is {text!r}; expected a number of gigabytes, such as 5"
        ) from None


def free_bytes(info: dict[str, Any], engine_address: str) -> int | None:
    """Free space at the engine's data root; None where it is not on this machine or unreadable."""
    root = str(info.get("DockerRootDir") or "")
    if socket_path(engine_address) is None or info.get("OperatingSystem") == "Docker Desktop":
        return None
    try:
        return shutil.disk_usage(root).free if Path(root).is_dir() else None
    except OSError:
        return None


def usage() -> Mapping[str, Any]:
    """What images and build cache take; volumes are left out, to add them up takes minutes."""
    ours = api()
    answer = ours.get(
        f"{ours.base_url}/v{ours.api_version}/system/df", params={"type": ["image", "build-cache"]}
    )
    answer.raise_for_status()
    return dict(answer.json())


def wrong_plugins(needs: Iterable[str]) -> dict[str, str]:
    """The client's missing or too old plugins among `needs`, each with its message."""
    wrong = {}
    for plugin in sorted(_PLUGINS.keys() & set(needs)):
        title, package, minimum = _PLUGINS[plugin]
        try:
            said = docker(plugin, "version")
            found = None if said.code else version_of(said.out)
        except MissingProgramError:
            found = None
        if found is None or found < minimum:
            has = f"'s {title} is version {_dotted(found)}" if found else f" has no {title}"
            wrong[plugin] = (
                f"the Docker client{has}, and {_dotted(minimum)} or newer is needed: install it "
                f"({package}; on macOS and Windows it is part of Docker Desktop)"
            )
    return wrong


def check(needs: Iterable[str] = NEEDS) -> None:
    """Raise ActionError, with one line per problem, unless engine and client can do what is needed.

    `needs` is any of `buildx`, `compose` and `disk`; the engine's version is always looked at.
    Raises UsageError when JHUB_DOCKER_MIN_FREE_GB is no number.
    """
    # Read also where the disk is not looked at: a setting that is wrong is told at once.
    minimum = minimum_free_gb(os.environ.get("JHUB_DOCKER_MIN_FREE_GB"))
    version = quick.server() or client().version()
    problems = [judge_engine(str(version["Version"]), str(version.get("Os", "linux")))]
    problems += wrong_plugins(needs).values()
    if "disk" in needs:
        info = client().info()
        if (free := free_bytes(info, address())) is not None:
            problems.append(judge_disk(str(info["DockerRootDir"]), free, minimum))
    if found := [problem for problem in problems if problem]:
        raise ActionError("\n".join(found))


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
