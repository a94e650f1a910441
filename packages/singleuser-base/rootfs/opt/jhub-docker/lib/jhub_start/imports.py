"""What a person's server does not import, though the packages it is made of name it.

`-X importtime` has the figures (README of uv-lab). Each name was read in the released source, with
the reason why nothing misses it; tests boot every image with all that is behind its pages.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module, machinery, metadata, util
from types import ModuleType
from typing import Any

_find_entry_points: Callable[..., Any] = metadata.entry_points
_PYPI = "jupyterlab.extensions.pypi"

LATE = frozenset({"requests", "websocket"})
"""Clients for a gateway and for remote lists of extensions: imported when they are first used."""


def find_entry_points_once() -> None:
    """Read the entry points of all packages once, not for each group that is asked for."""
    found: list[Any] = []

    def entry_points(**wanted: Any) -> Any:
        if metadata.entry_points is not entry_points:
            return _find_entry_points(**wanted)
        if not found:
            found.append(_find_entry_points())
        return found[0].select(**wanted) if wanted else found[0]

    metadata.entry_points = entry_points


def leave_out() -> None:
    """Import `LATE` on first use, and PyPI's extension manager only where it is chosen."""
    sys.meta_path.insert(0, _Late())

    def manager(*options: Any) -> Any:
        sys.modules.pop(_PYPI, None)
        return import_module(_PYPI).PyPIExtensionManager(*options)

    # It brings httpx and xmlrpc. JupyterLab imports it and then takes the read-only one (uv-lab).
    _stand_in(_PYPI, PyPIExtensionManager=manager)


@contextmanager
def without_database() -> Iterator[None]:
    """For JupyterHub's single-user server: the hub's tables and pages are empty modules meanwhile.

    jupyterhub 6.1: `log` imports the hub's pages to know its health check among handlers; `utils`,
    `scopes` and `roles` use tables in functions only the hub calls, with its database.
    """
    names = [
        _stand_in("jupyterhub.handlers"),
        _stand_in("jupyterhub.handlers.pages", HealthCheckHandler=_NeverMade),
        _stand_in("jupyterhub.orm"),
        _stand_in("sqlalchemy", func=None),
        _stand_in("sqlalchemy.exc", SQLAlchemyError=_NeverMade),
    ]
    try:
        yield
    finally:
        for name in names:
            del sys.modules[name]


def started() -> None:
    """The start is over: whoever imports something from now on gets the real thing."""
    metadata.entry_points = _find_entry_points
    if isinstance(sys.modules.get(_PYPI), _StandIn):
        del sys.modules[_PYPI]
    gc.freeze()  # what is there by now stays, and need not be looked through each time
    gc.enable()


class _NeverMade(Exception):  # noqa: N818
    """What handlers and errors are compared with, and none of them is."""


class _StandIn(ModuleType):
    """A module that has only what it was given."""


def _stand_in(name: str, **given: Any) -> str:
    made = sys.modules[name] = _StandIn(name)
    vars(made).update(given)
    return name


class _Late:
    """Finds the modules of `LATE` and has them load themselves when they are looked into."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """As importlib.abc.MetaPathFinder."""
        if name not in LATE:
            return None
        spec = machinery.PathFinder.find_spec(name, path, target)
        if spec and spec.loader:
            spec.loader = util.LazyLoader(spec.loader)
        return spec
