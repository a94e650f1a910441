"""One `up`, `down`, upgrade, backup or restore of a platform at a time; the next one waits.

The kernel holds the lock for the process: one that was killed leaves none behind.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jhub_docker.engine.address import address
from jhub_docker.progress import say


@contextmanager
def locked(project: str) -> Iterator[None]:
    """Hold the platform called `project` on the engine in use."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    # Any checkout of this machine's user may lead to it, so the lock is in none of them.
    engine = hashlib.sha256(address().encode()).hexdigest()[:12]
    file = Path(state) / "jhub-docker" / f"{project}-{engine}.lock"
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a+", encoding="ascii") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held.seek(0)
            other = f"another up, down, upgrade, backup or restore of {project}"
            say(f"{other} is at work (process {held.read()}): waiting")
            fcntl.flock(held, fcntl.LOCK_EX)
        held.truncate(0)
        held.write(str(os.getpid()))
        held.flush()
        yield
