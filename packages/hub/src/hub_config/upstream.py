"""Private names of JupyterHub's that more than one room relies on. All of them, and those of its
spawners, wrapspawner and NativeAuthenticator, are in `tests/unit/test_upstream.py`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def spawn_future(spawner: Any) -> Any:
    """The start of a server that is under way, or was the last; None when there was none."""
    return spawner._spawn_future


@contextmanager
def stopping(spawner: Any) -> Iterator[None]:
    """Around what ends a server: nobody can start it anew before it is over."""
    spawner._stop_pending = True
    try:
        yield
    finally:
        spawner._stop_pending = False


def stop_future(spawner: Any) -> Any:
    """The stop that is under way, None when there is none; JupyterHub sets it at the first stop."""
    return getattr(spawner, "_stop_future", None)
