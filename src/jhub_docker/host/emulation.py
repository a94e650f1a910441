"""Emulation of another processor: qemu from the distribution, registered with the kernel.

The kernel hands programs of that processor to qemu (its Documentation/admin-guide/binfmt-misc.rst):
in every container too, for the whole machine, until it restarts or `stop` ends it. Where systemd
runs, the package has itself registered; elsewhere nobody does, and that is what is done here.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from jhub_docker import process
from jhub_docker.asking import confirm
from jhub_docker.errors import ActionError, UsageError
from jhub_docker.host import apt
from jhub_docker.host.apt import Log
from jhub_docker.host.packages import PackagePlan

KERNEL = Path("/proc/sys/fs/binfmt_misc")
"""Where the kernel keeps what is registered, once that file system is mounted."""

DEFINITIONS = Path("/usr/lib/binfmt.d")
"""Where packages say what to register (binfmt.d(5)), a line a file."""

PACKAGE = "qemu-user-static"
_NAMES = {"linux/amd64": "qemu-x86_64", "linux/arm64": "qemu-aarch64"}
"""What Debian, Ubuntu and Docker Desktop call the registrations."""

_KERNELS = {"x86_64": "linux/amd64", "aarch64": "linux/arm64"}
"""What uname(2) calls the machines that run a platform by themselves."""

_MACHINES = {"linux/amd64": "3e00", "linux/arm64": "b700"}
"""What a program of the platform has in bytes 18 and 19 (elf(5): e_machine, little endian)."""

Step = Literal["install", "mount", "register"]
_WORDS: dict[Step, str] = {
    "install": f"install {PACKAGE} with apt",
    "mount": f"mount binfmt_misc at {KERNEL}",
    "register": "register it with the kernel, for this whole machine until it restarts",
}


@dataclass(frozen=True)
class Machine:
    """What decides about the steps."""

    root: bool
    apt: bool
    defined: bool
    mounted: bool
    registered: bool


def name(platform: str) -> str:
    """The registration's name; raises UsageError for a platform that images are not made for."""
    if platform not in _NAMES:
        raise UsageError(f"--platform is {platform!r}; expected one of {', '.join(_NAMES)}")
    return _NAMES[platform]


def read(name: str) -> Machine:
    """Look at this machine; nothing is changed."""
    return Machine(
        root=os.geteuid() == 0,
        apt=shutil.which("apt-get") is not None,
        defined=_definition(name).is_file(),
        mounted=(KERNEL / "register").exists(),
        registered=(KERNEL / name).exists(),
    )


def emulates(platform: str) -> bool | None:
    """Whether this machine's kernel emulates the platform; None where that cannot be told."""
    if platform not in _MACHINES or not (KERNEL / "status").exists():
        return None
    entries = [one for one in KERNEL.iterdir() if one.name not in ("register", "status")]
    return any(is_for(platform, one.read_text(encoding="ascii")) for one in entries)


def is_for(platform: str, entry: str) -> bool:
    """Whether a registration, as the kernel shows it, takes the platform's programs."""
    lines = entry.splitlines()
    magic = next((line.split()[1] for line in lines if line.startswith("magic ")), "")
    return lines[:1] == ["enabled"] and magic[36:40] == _MACHINES[platform]


def steps(machine: Machine) -> tuple[Step, ...]:
    """What is to be done so that the machine emulates; raises ActionError where it cannot be."""
    if machine.registered:
        return ()
    if not machine.root or not (machine.defined or machine.apt):
        raise ActionError(
            f"emulation is set up as root on Debian and its family only: as root install {PACKAGE} "
            "or what your distribution calls it; Docker Desktop emulates as it is"
        )
    there: dict[Step, bool] = {"install": machine.defined, "mount": machine.mounted}
    return (*(step for step, done in there.items() if not done), "register")


def start(platform: str, log: Log, *, assume_yes: bool = False) -> None:
    """Have this machine run programs of `platform`; asks first, unless told not to.

    Raises ActionError where a step fails.
    """
    known = name(platform)
    if _KERNELS.get(os.uname().machine) == platform:
        log(f"{platform} is what this machine is: it needs no emulation")
        return
    todo = steps(read(known))
    if not todo:
        log(f"{platform} is emulated already")
        return
    confirm(
        f"To be done as root: {'; '.join(_WORDS[step] for step in todo)}.",
        "Do it?",
        "nothing was changed",
        assume_yes=assume_yes,
        adds=True,
    )
    if "install" in todo:
        apt.install(PackagePlan((PACKAGE,)), log)
    if not (KERNEL / "register").exists():
        process.checked(
            *("mount", "-t", "binfmt_misc", "binfmt_misc", KERNEL),
            failed=f"cannot mount binfmt_misc at {KERNEL} (from inside a container, do it on the "
            "machine that runs it)",
        )
    if not (KERNEL / known).exists():  # where systemd runs, the package has done it
        register(_definition(known).read_text(encoding="ascii"))
    log(f"{platform} is emulated now")


def stop(platform: str, log: Log) -> None:
    """End the emulation; the package stays. Raises ActionError where the kernel refuses."""
    entry = KERNEL / name(platform)
    if not entry.exists():
        log(f"{platform} is not emulated")
        return
    _write(entry, "-1")
    log(f"{platform} is not emulated any more")


def register(definition: str) -> None:
    """Register a definition, `:name:type:offset:magic:mask:interpreter:flags`.

    It gets the flag `F`: the kernel opens the interpreter now, since no container has it.
    """
    line = next(line for line in definition.splitlines() if line.startswith(":"))
    head, _, flags = line.rpartition(":")
    _write(KERNEL / "register", line if "F" in flags else f"{head}:{flags}F")


def _definition(name: str) -> Path:
    return DEFINITIONS / f"{name}.conf"


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="ascii")
    except OSError as error:
        raise ActionError(f"the kernel refused it: {file}: {error.strerror}") from None
