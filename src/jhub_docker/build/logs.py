"""The logs of builds: all that each printed, the newest a link away."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

FOLDER = Path(".dev/logs")
NEWEST = "build.log"
KEPT = 20


@contextmanager
def opened(root: Path) -> Iterator[IO[str]]:
    """A log of this build's own, which the link `build.log` leads to; old ones are removed."""
    folder = root / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    time = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")
    log, link = folder / f"build-{time}-{os.getpid()}.log", folder / f".{os.getpid()}.link"
    with log.open("x", encoding="utf-8") as file:
        link.unlink(missing_ok=True)
        link.symlink_to(log.name)
        link.replace(folder / NEWEST)  # in one step: another build may do the same
        for old in sorted(folder.glob("build-*.log"))[:-KEPT]:
            old.unlink(missing_ok=True)
        yield file
