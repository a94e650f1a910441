"""The folder of a session that has namespaces of its own (noxfile.py, `alone`), and what is left of
those that were killed: gigabytes of their engines' data.
"""

import fcntl
import os
import shutil
import tempfile
from pathlib import Path

from jhub_docker.host.daemon import Daemon

_held: list[int] = []
"""Open as long as this process: the kernel lets go of the locks on them however it ends."""


def folder(kind: str) -> Path:
    """This session's, made when it is not there; named after its network, so that engines which
    were left running there are found again. Left-overs of the same kind are removed.

    Not below the checkout: the path of a socket may have no more than 107 characters.
    """
    number = Path("/proc/self/ns/net").readlink().name.strip("net:[]")
    temporary = Path(tempfile.gettempdir())
    for place in temporary.glob(f"jhub-{kind}-*"):
        if _is_left_over(place):  # this very one too: the kernel gives numbers again
            shutil.rmtree(place, ignore_errors=True)
    own = temporary / f"jhub-{kind}-{number}"
    own.mkdir(exist_ok=True)
    _held.append(os.open(own, os.O_RDONLY))
    fcntl.flock(_held[-1], fcntl.LOCK_EX)
    return own


def _is_left_over(place: Path) -> bool:
    """Whether neither a session holds it nor an engine answers there."""
    seen = os.open(place, os.O_RDONLY)
    try:
        fcntl.flock(seen, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(seen)
    sockets = [*place.glob("docker.sock"), *place.glob("*/docker.sock")]
    return not any(Daemon(socket=one).answers() for one in sockets)
