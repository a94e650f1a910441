"""The logs of builds: all that each printed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

FOLDER = Path(".dev/logs")
KEPT = 20


@contextmanager
def opened(root: Path) -> Iterator[IO[str]]:
    """A log of this build's own; old ones are removed."""
    folder = root / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    time = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")
    with (folder / f"build-{time}-{os.getpid()}.log").open("x", encoding="utf-8") as file:
        for old in sorted(folder.glob("build-*.log"))[:-KEPT]:
            old.unlink(missing_ok=True)
        yield file
