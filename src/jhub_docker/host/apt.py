"""Installing packages with apt, and the files of this project under /etc/apt.

Which packages, and what the files say, is decided in `packages`.
"""

import contextlib
import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from jhub_docker import process
from jhub_docker.errors import ActionError
from jhub_docker.host.packages import BY_HAND, PackagePlan, preferences
from jhub_docker.progress import say

SOURCE = Path("etc/apt/sources.list.d/jhub-docker.sources")
PREFERENCES = Path("etc/apt/preferences.d/jhub-docker")
HEADER = (
    "# Made by jhub-docker (./dev invoke engine.start): the packages of a Docker Engine that\n"
    "# builds its images, from the suite {suite}, and nothing else from there. Removing this\n"
    "# file and {other} undoes it.\n"
)

POLICY = Path("/usr/sbin/policy-rc.d")


class Archive(NamedTuple):
    """Where apt gets a component of a suite from; who it is by is known once it was asked."""

    suite: str
    component: str
    origin: str
    label: str
    uri: str


def archives() -> list[Archive]:
    """What this machine's apt has as sources (apt-get(8), indextargets); none without apt."""
    if shutil.which("apt-get") is None:
        return []
    form = "$(RELEASE)|$(COMPONENT)|$(ORIGIN)|$(LABEL)|$(REPO_URI)"
    said = process.run("apt-get", "indextargets", "--format", form, "Created-By: Packages").out
    return [Archive(*line.split("|")) for line in said.splitlines()]


def source(suite: str, beside: str, known: Iterable[Archive]) -> str:
    """A source (sources.list(5), deb822) of `suite` from where the machine gets `beside`.

    Both are signed with the keys that apt trusts for Debian. Raises ActionError where the machine
    has no such source.
    """
    for one in known:
        if (one.suite, one.component) == (beside, "main"):
            return f"Types: deb\nURIs: {one.uri}\nSuites: {suite}\nComponents: main\n"
    raise ActionError(
        f"apt has no source of {beside} main to derive one of {suite} from: expected it in "
        f"/etc/apt/sources.list or /etc/apt/sources.list.d; or do it by hand: {BY_HAND}"
    )


def installed(root: Path = Path("/")) -> set[str]:
    """The names of the installed packages, from dpkg's own record."""
    status = root / "var/lib/dpkg/status"
    text = status.read_text(errors="replace") if status.is_file() else ""
    installed = r"^Package: (.+)\n(?:.+\n)*?Status: install ok installed$"
    return set(re.findall(installed, text, re.MULTILINE))


def write_sources(plan: PackagePlan, root: Path = Path("/")) -> None:
    """Write the further suite's source and the pins that keep it to the plan's packages."""
    if plan.suite is None or plan.beside is None:
        return
    derived = source(plan.suite, plan.beside, archives())
    # The pins go first: a suite without them would offer all of its packages.
    texts = (PREFERENCES, preferences(plan), SOURCE), (SOURCE, derived, PREFERENCES)
    for path, text, other in texts:
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(HEADER.format(suite=plan.suite, other=f"/{other}") + text)
        target.chmod(0o644)


def install(plan: PackagePlan) -> None:
    """Install the plan's packages, without starting a service that they bring.

    Raises ActionError with the end of what apt said.
    """
    write_sources(plan)
    with _no_service_start():
        say("apt-get update")
        _apt("update", "--quiet")
        say(f"apt-get install {' '.join(plan.packages)}")
        options = ("--yes", "--quiet", "--no-install-recommends")
        kept = ("-o", "Dpkg::Options::=--force-confold")
        _apt("install", *options, *kept, *plan.packages)


@contextlib.contextmanager
def _no_service_start() -> Iterator[None]:
    """Keep maintainer scripts from starting the daemon (Debian policy 9.11, policy-rc.d).

    How it is started depends on the machine and is decided in `setup`; left to the package, a
    machine without systemd gets an engine started by an init script, or a failed installation.
    """
    if POLICY.exists():
        yield
        return
    POLICY.parent.mkdir(parents=True, exist_ok=True)
    POLICY.write_text(
        "#!/bin/sh\n# Made by jhub-docker for the time of one installation.\nexit 101\n"
    )
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink(missing_ok=True)


def _apt(*arguments: str) -> None:
    environment = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    ended = process.run("apt-get", *arguments, merged=True, environment=environment)
    if ended.code:
        raise ActionError(
            f"apt-get {arguments[0]} failed; it said:\n{ended.tail()}\nMend that (often the "
            "network, the proxy, or another apt at work) and run this again"
        )
