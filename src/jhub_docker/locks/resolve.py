"""What a `uv.lock` means for one Python on one platform: the packages it installs.

Apart from the reading of locks because `packaging`, which knows markers, takes longer to import
than a build with nothing to do. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from packaging.markers import Marker

from jhub_docker.locks.uv_lock import Table, UvLock

_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
"""OCI's names of processors, and those that `uname -m` and with it Python uses."""


@dataclass(frozen=True)
class Locked:
    """A Python package that a lock installs. `direct`: the image's pyproject.toml names it."""

    version: str
    direct: bool
    dependencies: tuple[str, ...]


def resolve(lock: UvLock, python: str, platform: str) -> dict[str, Locked]:
    """What `uv sync --no-dev` installs from a lock, without the project itself, by name.

    `python` is the full version of the interpreter, `platform` OCI's name such as `linux/amd64`:
    the lock holds for several, and its markers choose.
    """
    own = lock.project.get("dependencies", ()) if lock.project else ()
    markers = environment(python, platform)
    found: dict[str, Table] = {}
    edges: dict[str, set[str]] = {}
    seen: set[tuple[str, str]] = set()
    queue = [("", need) for need in own]
    while queue:
        parent, need = queue.pop()
        if not _applies(need, markers):
            continue
        name = need["name"]
        found[name] = package = lock.find(need)
        edges.setdefault(parent, set()).add(name)
        for extra in ("", *need.get("extra", ())):
            if (name, extra) not in seen:
                seen.add((name, extra))
                extras = package.get("optional-dependencies", {})
                further = extras.get(extra, ()) if extra else package.get("dependencies", ())
                queue += [(name, one) for one in further]
    direct = edges.get("", set())
    return {
        name: Locked(
            package["version"], name in direct, tuple(sorted(edges.get(name, set()) - {name}))
        )
        for name, package in sorted(found.items())
    }


def environment(python: str, platform: str) -> dict[str, str]:
    """What markers are compared with (dependency specifiers), where this machine may differ."""
    return {
        "implementation_version": python,
        "os_name": "posix",
        "platform_machine": machine(platform),
        "platform_system": "Linux",
        "python_full_version": python,
        "python_version": ".".join(python.split(".")[:2]),
        "sys_platform": "linux",
    }


def machine(platform: str) -> str:
    """What Python calls the processor of OCI's `platform`, e.g. `aarch64` for `linux/arm64`."""
    architecture = platform.split("/")[1]
    return _MACHINES.get(architecture, architecture)


def _applies(need: Table, markers: Mapping[str, str]) -> bool:
    marker = need.get("marker")
    return not marker or Marker(marker).evaluate(dict(markers))
