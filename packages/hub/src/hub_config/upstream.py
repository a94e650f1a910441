"""Private names of JupyterHub's that more than one room relies on. All of them, and those of its
spawners, wrapspawner and NativeAuthenticator, are in `tests/unit/test_upstream.py`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any


def around(cls: type, name: str) -> Callable[[Callable[..., Any]], None]:
    """A decorator: what it is put on takes the place of that method, which it is given first."""
    method = getattr(cls, name)

    def put(instead: Callable[..., Any]) -> None:
        @wraps(method)
        def called(self: Any, *args: Any, **named: Any) -> Any:
            return instead(method, self, *args, **named)

        setattr(cls, name, called)

    return put


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
