"""An engine for this machine: the one that answers, or one installed and started here.

Setting one up is only done on a Debian-family machine, as root, at the default socket, and where
there is a terminal only after asking. Where systemd runs the engine is systemd's from then on;
elsewhere `engine.stop` undoes the start, and nothing but that.
"""

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from jhub_docker import process
from jhub_docker.asking import confirm
from jhub_docker.engine import checks, quick
from jhub_docker.engine.address import (
    DEFAULT_SOCKETS,
    UnreachableError,
    address,
    client,
    is_default,
)
from jhub_docker.errors import ActionError, UsageError
from jhub_docker.host import apt
from jhub_docker.host.daemon import Daemon
from jhub_docker.host.packages import BY_HAND, PARTS, PackagePlan, os_release, plan
from jhub_docker.progress import say


@dataclass(frozen=True)
class Machine:
    """What decides how an engine comes to run here."""

    release: dict[str, str]
    root: bool
    systemd: bool
    apt: bool
    present: frozenset[str]
    """Which of `packages.PARTS` are there."""
    installed: frozenset[str]


def read_machine() -> Machine:
    """Look at this machine; nothing is changed."""
    release = Path("/etc/os-release")
    lacking = set(checks.wrong_plugins(("buildx", "compose")))
    programs = {"engine": "dockerd", "client": "docker"}
    lacking |= {part for part, name in programs.items() if shutil.which(name) is None}
    return Machine(
        release=os_release(release.read_text()) if release.is_file() else {},
        root=os.geteuid() == 0,
        systemd=Path("/run/systemd/system").is_dir(),  # sd_booted(3)
        apt=shutil.which("apt-get") is not None,
        present=frozenset(PARTS) - lacking,
        installed=frozenset(apt.installed()),
    )


def decide(machine: Machine, *, running: bool, problem: str) -> PackagePlan | None:
    """The packages to install so that an engine can run and be used; None for none.

    `running` says that an engine answers and only the client lacks something; `problem` is the
    sentence a person reads first. Raises ActionError where nothing can be set up, with what to do.
    """
    parts = [part for part in PARTS if not (running and part == "engine")]
    missing = [part for part in parts if part not in machine.present]
    if not missing and (running or machine.root):
        return None
    if "engine" in machine.present and not running and not machine.root:
        how = "sudo systemctl start docker" if machine.systemd else "sudo dockerd"
        raise ActionError(f"{problem}. The engine is installed: start it (`{how}`)")
    if not machine.apt:
        raise ActionError(f"{problem}: {BY_HAND}")
    if not machine.root:
        raise ActionError(
            f"{problem}. As root, `./dev invoke engine.start` sets it up from the distribution's "
            f"packages; or {BY_HAND}"
        )
    try:
        return plan(machine.release, missing, machine.installed)
    except ActionError as error:
        raise ActionError(f"{problem}: {error}") from None


def require(
    *, assume_yes: bool = False, set_up: bool = True, needs: Iterable[str] = checks.NEEDS
) -> None:
    """Have an engine that can do what is `needs`; one is set up where that is possible.

    Raises ActionError, before any work, saying what is missing and what to install or change; with
    `set_up` false it never changes anything.
    """
    if quick.server() is None:
        try:
            client()
        except UnreachableError as error:
            if error.denied or not set_up or not is_default(address()):
                raise
            _set_up(str(error), assume_yes, running=False)
    if set_up and (problems := checks.wrong_plugins(needs)) and is_default(address()):
        _set_up("; ".join(problems.values()), assume_yes, running=True)
    checks.check(needs)


def start(daemon: Daemon | None = None, *, assume_yes: bool = False) -> None:
    """Have an engine answer at the default socket (or `daemon`'s), set up where it has to be."""
    if (own := daemon or _own()).answers():
        say(f"an engine answers at unix://{own.socket} already")
    elif daemon:
        _launch(daemon, systemd=False)
    else:
        require(assume_yes=assume_yes)


def stop(daemon: Daemon | None = None) -> None:
    """Stop the engine that `start` runs. Raises ActionError for another's, such as systemd's."""
    daemon = daemon or _own()
    if daemon.stop():
        say("the engine has stopped; images and volumes are kept, and with live-restore what runs")
    elif daemon.answers():
        raise ActionError(
            f"the engine at unix://{daemon.socket} is not run by `./dev invoke engine.start`: stop "
            "it the way it is run (such as `systemctl stop docker.socket docker`)"
        )
    else:
        say("no engine runs that was started from here")


def _own() -> Daemon:
    """This machine's engine. Raises UsageError where another one is in use."""
    if not is_default(where := address()):
        raise UsageError(
            f"the engine in use is at {where}, and only the one at unix://{DEFAULT_SOCKETS[0]} is "
            "started and stopped: unset DOCKER_HOST, and `docker context use default`"
        )
    return Daemon()


def _set_up(problem: str, assume_yes: bool, *, running: bool) -> None:
    """Install what is missing and start the engine, having said so and asked."""
    machine = read_machine()
    wanted = decide(machine, running=running, problem=problem)
    if wanted:
        origin = f", from {wanted.suite} beside {wanted.beside}" if wanted.suite else ""
        what = f"install {' '.join(wanted.packages)} with apt{origin}"
        what += "" if running else ", then start the engine"
    else:
        what = "start the installed engine"
    confirm(
        f"{problem}.\nTo be done as root: {what}.",
        "Do it?",
        f"nothing was changed, and an engine is needed: {BY_HAND}",
        assume_yes=assume_yes,
        adds=True,
    )
    if wanted:
        apt.install(wanted)
    if not running:
        _launch(Daemon(), systemd=machine.systemd)


def _launch(daemon: Daemon, *, systemd: bool) -> None:
    if not systemd:
        say(f"starting dockerd; its log is {daemon.log}")
        daemon.start()
        return
    say("systemctl start docker")
    process.checked(
        *("systemctl", "start", "docker.socket", "docker.service"),
        failed="systemd could not start the engine (`journalctl -u docker` says why)",
    )
