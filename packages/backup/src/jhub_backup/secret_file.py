"""A file that only root can read."""

import os
from pathlib import Path


def write_secret(path: Path, value: str) -> None:
    """Write a file only root can read, complete from the moment it has its name."""
    unfinished = path.with_name(f".{path.name}.new")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(value)
        file.flush()
        os.fsync(descriptor)
    unfinished.replace(path)
