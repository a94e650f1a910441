"""Installing packages with apt, and the files of this project under /etc/apt.

Which packages, and what the files say, is decided in `packages`.
"""

import contextlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from jhub_docker import process
from jhub_docker.errors import ActionError
from jhub_docker.host.packages import PackagePlan, derived_source, preferences
from jhub_docker.progress import say

SOURCE = Path("etc/apt/sources.list.d/jhub-docker.sources")
PREFERENCES = Path("etc/apt/preferences.d/jhub-docker")
HEADER = (
    "# Made by jhub-docker (./dev invoke engine.start): the packages of a Docker Engine that\n"
    "# builds its images, from the suite {suite}, and nothing else from there. Removing this\n"
    "# file and {other} undoes it.\n"
)

POLICY = Path("/usr/sbin/policy-rc.d")


def read_sources(root: Path = Path("/")) -> dict[str, str]:
    """apt's source files by path."""
    folder = root / "etc/apt"
    files = [folder / "sources.list", *sorted(folder.glob("sources.list.d/*"))]
    known = (one for one in files if one.is_file() and one.suffix in {".list", ".sources"})
    return {str(path): path.read_text() for path in known}


def installed(root: Path = Path("/")) -> set[str]:
    """The names of the installed packages, from dpkg's own record."""
    status = root / "var/lib/dpkg/status"
    text = status.read_text(errors="replace") if status.is_file() else ""
    installed = r"^Package: (.+)\n(?:.+\n)*?Status: install ok installed$"
    return set(re.findall(installed, text, re.MULTILINE))


def apart(folder: Path, sources: Mapping[str, str]) -> list[str]:
    """Options that let apt work in `folder`, with these source files.

    The machine's proxies and keys hold all the same.
    """
    parts, lists, cache = (folder / name for name in ("sources.list.d", "lists", "cache"))
    for made in (parts, lists / "partial", cache / "archives" / "partial"):
        made.mkdir(parents=True)
    for number, (path, text) in enumerate(sources.items()):
        (parts / f"{number}{Path(path).suffix}").write_text(text)
    own = {"Etc::SourceParts": parts, "Etc::SourceList": "/dev/null", "Cache": cache}
    dirs = {**own, "State::Lists": lists}.items()
    return [word for key, path in dirs for word in ("-o", f"Dir::{key}={path}")]


def write_sources(plan: PackagePlan, root: Path = Path("/")) -> None:
    """Write the further suite's source and the pins that keep it to the plan's packages."""
    if plan.suite is None or plan.beside is None:
        return
    source = derived_source(read_sources(root), plan.beside, plan.suite)
    texts = {SOURCE: (source, PREFERENCES), PREFERENCES: (preferences(plan), SOURCE)}
    # The pins go first: a suite without them would offer all of its packages.
    for path in (PREFERENCES, SOURCE):
        text, other = texts[path]
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(HEADER.format(suite=plan.suite, other=f"/{other}") + text)
        target.chmod(0o644)


def install(plan: PackagePlan) -> None:
    """Install the plan's packages, without starting a service that they bring.

    Raises ActionError with the end of what apt said.
    """
    try:
        write_sources(plan)
        with _no_service_start():
            say("apt-get update")
            _apt("update", "--quiet")
            say(f"apt-get install {' '.join(plan.packages)}")
            options = ("--yes", "--quiet", "--no-install-recommends")
            kept = ("-o", "Dpkg::Options::=--force-confold")
            _apt("install", *options, *kept, *plan.packages)
    except OSError as error:
        raise ActionError(
            f"cannot set up apt: {error.filename}: {error.strerror}; run this as root"
        ) from error


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
