"""The programs that talk to registries and sign: found, or unpacked from the distribution.

Nothing is installed and nothing outside `.dev/tools/` is written, so this needs no root: apt is
given lists of its own where the machine's does not know the program.
"""

import shutil
import tempfile
from pathlib import Path
from typing import Literal

from jhub_docker import process
from jhub_docker.errors import ActionError
from jhub_docker.host import apt, packages
from jhub_docker.progress import stage

Name = Literal[
    "oras", "cosign", "docker-registry", "pebble", "restic-rest-server", "zstd", "libfaketime"
]
"""Programs, each in a Debian package of the same name; the last five are for tests only."""

_ELSEWHERE = {"libfaketime": "usr/lib/*/faketime/libfaketimeMT.so.1"}
"""What is no program of the package's name, but a library for containers, and has to go with an
older libc than the machine's further suite has.
"""

FOLDER = Path(__file__).resolve().parents[3] / ".dev" / "tools"
"""Where programs are unpacked. It can be deleted at any time."""

_BY_HAND = (
    "install {name} so that it is on PATH (Debian 13 and Ubuntu 25.04 have it as the package "
    "{name}; elsewhere from its project's releases)"
)


def program(name: Name, *, folder: Path = FOLDER, root: Path = Path("/")) -> Path:
    """The program's path: from PATH, else unpacked below `folder`, which takes seconds once.

    `root` is the machine's root, whose apt sources are read. Raises ActionError that says what to
    install where the distribution does not have it.
    """
    if found := shutil.which(name):
        return Path(found)
    unpacked = folder / "usr" / "bin" / name
    if not unpacked.is_file():
        if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
            raise ActionError(f"{name} is needed and not there: {_BY_HAND.format(name=name)}")
        with stage(f"getting {name} from the distribution"):
            _unpack(name, folder, root)
    return unpacked


def _unpack(name: str, folder: Path, root: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix="getting-") as place:
        here = Path(place)
        options: list[str] = []
        if not (versions := _versions(name, options)):
            options = _own_lists(here, root, name)
            versions = _versions(name, options)
        if not versions:
            raise ActionError(
                f"{name} is needed and the distribution has none: {_BY_HAND.format(name=name)}"
            )
        # The version is named, for the further suite may be pinned away.
        version = versions[-1 if name in _ELSEWHERE else 0]
        _run(name, "apt-get", *options, "download", "-q", f"{name}={version}", cwd=here)
        (package,) = here.glob("*.deb")
        _run(name, "dpkg-deb", "-x", str(package), "unpacked", cwd=here)
        target = folder / "usr" / "bin" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        (found,) = (here / "unpacked").glob(_ELSEWHERE.get(name, f"usr/bin/{name}"))
        found.replace(target)


def _versions(name: str, options: list[str]) -> list[str]:
    """The versions apt knows, the newest first (apt-cache(8), madison: `package | version | …`)."""
    listing = process.run("apt-cache", *options, "madison", name).out
    rows = (line.split("|") for line in listing.splitlines())
    return [row[1].strip() for row in rows if len(row) == 3 and "Packages" in row[2]]


def _own_lists(here: Path, root: Path, name: str) -> list[str]:
    """apt options for lists of our own: the machine's sources, or its further suite's."""
    places = {"Etc": root / "etc/apt", "State::Lists": here / "lists", "Cache": here / "cache"}
    release = packages.os_release((root / "etc/os-release").read_text())
    if further := packages.FURTHER.get(codename := release.get("VERSION_CODENAME", "")):
        places |= {"Etc::SourceParts": here / "parts", "Etc::SourceList": Path("/dev/null")}
        (here / "parts").mkdir()
        text = apt.source(further, codename, apt.archives())
        (here / "parts" / "further.sources").write_text(text)
    for made in ("lists/partial", "cache/archives/partial"):
        (here / made).mkdir(parents=True)
    options = [word for key, path in places.items() for word in ("-o", f"Dir::{key}={path}")]
    _run(name, "apt-get", *options, "update", "-q", cwd=here)
    return options


def _run(name: str, *command: str, cwd: Path) -> None:
    ended = process.run(*command, cwd=cwd, environment={"LC_ALL": "C.UTF-8"})
    if ended.code:
        raise ActionError(
            f"{command[0]} could not get {name}; it said:\n{ended.tail(8)}\n"
            f"Mend that (often the network or the proxy), or {_BY_HAND.format(name=name)}"
        )
