"""What every single-user image promises, each promise a function with a name.

A check takes a `Subject` and raises AssertionError when the image breaks the promise. Bases prove
the harness against images broken on purpose (`tests/engine/test_harness_contract.py`).
"""

from collections.abc import Callable

from jhub_testing.contract import files, home, interface, process, tools
from jhub_testing.subject import Subject

Check = Callable[[Subject], None]

CHECKS: tuple[Check, ...] = (
    *process.CHECKS,
    *interface.CHECKS,
    *home.CHECKS,
    process.sigterm_stops_it,  # the server that these had in common
    *tools.CHECKS,
    *files.CHECKS,
)
"""All checks, in an order that boots the shared server early."""


def named(name: str) -> Check:
    """The check called `name`."""
    return {check.__name__: check for check in CHECKS}[name]
