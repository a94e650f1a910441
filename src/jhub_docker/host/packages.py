"""Which distribution packages make an engine on a Debian-family machine, and where apt gets them.

Pure: it reads texts and returns decisions. Writing files and calling apt is `apt`. Sources: the
package lists of Debian 12 and 13 and of Ubuntu 24.04; apt_preferences(5).
"""

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from jhub_docker.errors import ActionError

PARTS = ("engine", "client", "buildx", "compose")
"""What a machine needs, in the order in which it is named to people."""

_DEBIAN = {
    # iptables is only recommended by docker.io, and without it the engine has no networks.
    "engine": ("docker.io", "iptables"),
    "client": ("docker-cli",),
    "buildx": ("docker-buildx",),
    "compose": ("docker-compose",),
}
_UBUNTU = {**_DEBIAN, "client": ("docker.io",), "compose": ("docker-compose-v2",)}
FURTHER = {"bookworm": "trixie"}
"""The suite to take from what a release lacks, where that needs libc 2.34 only."""

BY_HAND = (
    "install Docker Desktop on macOS or Windows, or Docker Engine 25 or newer with its buildx and "
    "Compose plugins on Linux (packages docker-ce, docker-buildx-plugin, docker-compose-plugin)"
)


@dataclass(frozen=True)
class PackagePlan:
    """The packages to install; `suite` is the further suite they come from, where they need one."""

    packages: tuple[str, ...]
    suite: str | None = None
    beside: str | None = None
    """The suite of the machine itself, whose sources the further suite's are derived from."""


def os_release(text: str) -> dict[str, str]:
    """The variables of /etc/os-release (os-release(5): shell-like assignments)."""
    fields = {}
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            fields[name.strip()] = "".join(shlex.split(value))
    return fields


def plan(
    release: Mapping[str, str], missing: Iterable[str], installed: Iterable[str] = ()
) -> PackagePlan:
    """The packages that bring the `missing` parts to a machine with this os-release.

    `installed` names the packages already there. Raises ActionError where it cannot be done with
    the distribution's packages, saying what to do instead.
    """
    missing = [part for part in PARTS if part in set(missing)]
    family = {release.get("ID", ""), *release.get("ID_LIKE", "").split()}
    name = release.get("PRETTY_NAME") or release.get("ID") or "this system"
    if not family & {"debian", "ubuntu"}:
        raise ActionError(
            f"an engine is only set up on Debian and its family, not {name}: {BY_HAND}"
        )
    if foreign := sorted({"docker-ce", "docker-ce-cli"} & set(installed)):
        raise ActionError(
            f"{foreign[0]} is installed, and the distribution's packages would collide with it: "
            "install what is missing from the same source (docker-ce, docker-ce-cli, "
            "docker-buildx-plugin, docker-compose-plugin)"
        )
    if "ubuntu" in family:
        return PackagePlan(_flat(_UBUNTU, missing))
    codename = release.get("VERSION_CODENAME", "")
    if codename in {"stretch", "buster", "bullseye"}:
        raise ActionError(f"the packages of {name} are too old: {BY_HAND}")
    if codename == "bookworm":
        # Its engine is 20.10, its client comes with it, and it has neither buildx nor Compose v2.
        # Those of trixie need libc 2.34 only; its runc and containerd need more, and stay out.
        missing = [part for part in PARTS if part in missing or part == "client"]
        if "docker.io" in set(installed):
            missing = ["engine", *(part for part in missing if part != "engine")]
        return PackagePlan(_flat(_DEBIAN, missing), FURTHER[codename], codename)
    return PackagePlan(_flat(_DEBIAN, missing))


def _flat(table: Mapping[str, tuple[str, ...]], parts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(package for part in parts for package in table[part]))


def preferences(plan: PackagePlan) -> str:
    """Pins that let apt take the plan's packages, and no others, from the plan's further suite.

    iptables and the like stay the machine's own; so do runc and containerd (trixie's runc
    needs libc 2.38, and every container then fails at start).
    """
    names = [*dict.fromkeys(package for parts in _DEBIAN.values() for package in parts)]
    names.remove("iptables")
    return (
        f"Package: *\nPin: release n={plan.suite}\nPin-Priority: -1\n\n"
        f"Package: {' '.join(names)}\nPin: release n={plan.suite}\nPin-Priority: 990\n"
    )
