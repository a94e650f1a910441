"""Which benchmarks there are and which were asked for. Pure."""

from collections.abc import Iterable

from jhub_docker.catalog import fields
from jhub_docker.errors import UsageError

DEFAULT = ("spawn", "memory", "build-unchanged", "build-one-change", "size")
COMPILED = "-compiled"
"""Ends the names of the benchmarks whose peer has bytecode."""

BY_NAME = (
    "page",
    "rebuild-all",
    "login-storm",
    "spawn-storm",
    "hub-restart",
    "backup",
    "cancel",
    "scale",
    "load",
    f"spawn{COMPILED}",
    f"memory{COMPILED}",
    f"page{COMPILED}",
)
"""They take minutes or all of the machine, so they run only when they are asked for."""


def select(only: Iterable[str]) -> list[str]:
    """The benchmarks to run, in their own order; all but the long ones by default.

    Raises UsageError for a name that is none.
    """
    wanted, known = set(only), (*DEFAULT, *BY_NAME)
    for name in sorted(wanted - set(known)):
        raise UsageError(f"there is no benchmark {name!r}; {fields.suggest(name, known)}")
    return [name for name in known if name in (wanted or DEFAULT)]


def check_numbers(runs: int, size: int) -> None:
    """Raise UsageError unless there is something to take a median of; size 0 is each one's own."""
    if runs < 1:
        raise UsageError(f"--runs is {runs}; expected 1 or more")
    if size < 0:
        raise UsageError(f"--size is {size}; expected 1 or more, or 0 for each benchmark's own")
