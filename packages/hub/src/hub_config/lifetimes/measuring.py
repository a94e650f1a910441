"""Measures homes, one after the other: the command of the container `homes`, a Compose profile.

Nothing of the hub may read people's files. This may, and nothing else: it has no network, cannot
write to a volume, and says a name and a number of bytes for each. It takes as long a pause after a
home as that took, and begins again when the time between two measurements is over.
"""

import json
import os
import signal
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hub_config import disk
from hub_config.moments import written
from hub_config.settings import Settings

VOLUMES, RESULT = Path("/volumes"), Path("/run/homes/sizes.json")

MOST_FILES = 2_000_000
"""Files of one home that are counted; of one that has more it is said that it is larger."""

LEAST_PAUSE = 1.0
"""Seconds between two homes at least."""

BLOCK = 512
"""Bytes of a block, whatever the file system's are (stat(2), st_blocks)."""

NICE = 19


@dataclass(frozen=True)
class Measured:
    """Bytes on the disk, when that was seen, and whether all files were counted."""

    size: int
    at: str
    whole: bool = True


def measure(folder: Path) -> Measured | None:
    """What is below a folder; a file with several names counts once. None for one that is gone.

    A link is not followed, and neither is a folder that somebody puts a link in place of.
    """
    size, seen, linked = 0, 0, set()
    try:
        for _, folders, files, descriptor in os.fwalk(folder, follow_symlinks=False):
            for name in (*folders, *files):
                try:
                    one = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
                except OSError:
                    continue  # gone meanwhile
                seen += 1
                if one.st_nlink > 1 and not stat.S_ISDIR(one.st_mode):
                    if one.st_ino in linked:
                        continue
                    linked.add(one.st_ino)
                size += one.st_blocks * BLOCK
            if seen > MOST_FILES:
                return Measured(size, written(), whole=False)
    except RecursionError:  # folders in folders, deeper than Python goes; all above were counted
        return Measured(size, written(), whole=False)
    except FileNotFoundError:
        return None
    return Measured(size, written())


def homes(volumes: Path, *prefixes: str) -> Iterator[tuple[str, Path]]:
    """The homes and shared folders there are, by their volumes' names, and where each is."""
    for folder in sorted({one for prefix in prefixes for one in volumes.glob(f"{prefix}*")}):
        # Files elsewhere, such as on NFS, cannot be seen from here: the engine notes that beside.
        if (folder / "_data").is_dir() and not (folder / "opts.json").exists():
            yield folder.name, folder / "_data"


def go_round(
    volumes: Path, prefixes: tuple[str, ...], result: Path, pause: Callable[[float], bool]
) -> dict[str, Measured]:
    """Measure every volume once, and write down what is known after each.

    `pause` waits so many seconds and says whether to stop. What was written down before stays
    until it is seen anew; homes that are gone are left out.
    """
    there = dict(homes(volumes, *prefixes))
    known = {name: one for name, one in read(result).items() if name in there}
    for name, folder in there.items():
        began = time.monotonic()
        if (found := measure(folder)) is None:
            known.pop(name, None)  # removed since the round began
            continue
        known[name] = found
        disk.write(result, json.dumps({key: vars(one) for key, one in known.items()}).encode())
        if pause(max(LEAST_PAUSE, time.monotonic() - began)):
            break
    return known


def read(result: Path) -> dict[str, Measured]:
    """What is written down; nothing where nobody measures."""
    try:
        found = json.loads(result.read_bytes())
        return {name: Measured(**one) for name, one in found.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def run(settings: Settings) -> int:
    """Go round and round until told to stop; returns the exit code."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    os.nice(NICE)
    if not os.access(VOLUMES, os.R_OK | os.X_OK):
        print(f"{VOLUMES} cannot be read: see JHUB_DOCKER_VOLUMES", file=sys.stderr)
        return 1
    os.umask(0o022)  # the hub reads it
    while not stop.is_set():
        began = time.monotonic()
        prefixes = (settings.user_volume_prefix, settings.shared_volume_prefix)
        go_round(VOLUMES, prefixes, RESULT, stop.wait)
        stop.wait(
            max(LEAST_PAUSE, 60 * settings.measure_homes_minutes - (time.monotonic() - began))
        )
    return 0
