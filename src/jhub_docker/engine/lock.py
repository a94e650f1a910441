"""One at a time: what two may not do at once to the same thing of an engine; the next one waits.

The kernel holds a lock for the process: one that was killed leaves none behind.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from jhub_docker.engine.address import address
from jhub_docker.progress import say


def locked(project: str) -> AbstractContextManager[None]:
    """Hold the platform called `project` on the engine in use: for what changes it."""
    return held(project, f"another up, down, upgrade, backup or restore of {project}")


@contextmanager
def held(name: str, other: str, *, shared: bool = False) -> Iterator[None]:
    """Hold what is called `name` on the engine in use; `other` is who is waited for.

    Several hold it at once where each is content with a `shared` one.
    """
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    file = _file(name)
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a+", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            say(f"{other} is at work (process {lock.read()}): waiting")
            fcntl.flock(lock, kind)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def is_held(name: str) -> bool:
    """Whether somebody holds it, such as what changes a platform of that name."""
    if not (file := _file(name)).exists():
        return False
    with file.open(encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _file(name: str) -> Path:
    """Any checkout of this machine's user may lead to the engine, so it is in none of them."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    engine = hashlib.sha256(address().encode()).hexdigest()[:12]
    return Path(state) / "jhub-docker" / f"{name}-{engine}.lock"
