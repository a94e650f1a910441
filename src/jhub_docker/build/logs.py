"""The logs of builds: every event of each, the newest a link away."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

FOLDER = Path(".dev/logs")
NEWEST = "build.jsonl"
KEPT = 20


@contextmanager
def opened(root: Path) -> Iterator[IO[str]]:
    """A log of this build's own, which the link `build.jsonl` leads to; old ones are removed."""
    folder = root / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    time = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")
    log, link = folder / f"build-{time}-{os.getpid()}.jsonl", folder / f".{os.getpid()}.link"
    with log.open("x", encoding="utf-8") as file:
        link.unlink(missing_ok=True)
        link.symlink_to(log.name)
        link.replace(folder / NEWEST)  # in one step: another build may do the same
        for old in sorted(folder.glob("build-*.jsonl"))[:-KEPT]:
            old.unlink(missing_ok=True)
        yield file
