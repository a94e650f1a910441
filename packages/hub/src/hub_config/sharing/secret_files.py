"""Groups' secrets: one file each in the data volume, of the hub's user alone, read at each start.

They are in no database, no settings and no log. `python -m hub_config secret` keeps them: the value
comes from standard input, since arguments can be seen by everybody on a machine.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from hub_config import variables
from hub_config.names import part

USAGE = """python -m hub_config secret set GROUP NAME < file-with-the-value
python -m hub_config secret remove GROUP NAME
python -m hub_config secret list"""


NAME_MAX = 255
"""Bytes of a file's name (limits.h); a group's escaped one may be longer than that."""


def read_group(folder: Path, group: str) -> dict[str, str]:
    """The secrets of a group by the variable's name. Raises OSError for one that cannot be read."""
    return {path.name: path.read_text("utf-8") for path in _files(folder / part(group))}


def _files(folder: Path) -> list[Path]:
    if len(folder.name) > NAME_MAX:  # there can be none, and looking would be an OSError
        return []
    return sorted(path for path in folder.glob("*") if not path.name.startswith("."))


def keep(folder: Path, group: str, name: str, value: str) -> None:
    """Keep a secret; an older one of the name is replaced."""
    place = folder / part(group)
    for one in (folder, place):
        one.mkdir(mode=0o700, parents=True, exist_ok=True)
        _as_owner_of(folder.parent, one)
    unfinished = place / _unfinished(name)
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(value)
    _as_owner_of(folder.parent, unfinished)
    unfinished.replace(place / name)


def _unfinished(name: str) -> str:
    return f".{name}.new"


def _as_owner_of(pattern: Path, path: Path) -> None:
    """Somebody who is root in the container makes files the hub can read."""
    if os.getuid() == 0:
        owner = pattern.stat()
        os.chown(path, owner.st_uid, owner.st_gid)


def command(folder: Path, arguments: Sequence[str]) -> int:
    """Run `secret ...`; returns the exit code: 0 done, 1 not there, 2 wrong usage."""
    match list(arguments):
        case ["set", group, name]:
            wrong = _name_complaint(group, name)
            value = "" if wrong else _given()
            wrong = wrong or _value_complaint(value)
            if wrong:
                print(wrong, file=sys.stderr)
                return 2
            keep(folder, group, name, value)
            return 0
        case ["remove", group, name]:
            path = folder / part(group) / name
            if path not in _files(folder / part(group)):
                print(f"The group {group} has no secret {name}.", file=sys.stderr)
                return 1
            path.unlink()
            return 0
        case ["list"]:
            for place in sorted(folder.glob("*")):
                for path in _files(place):
                    print(place.name, path.name)
            return 0
    print(USAGE, file=sys.stderr)
    return 2


def _given() -> str:
    """What is on standard input; where that is not UTF-8, something that is not either."""
    try:
        return sys.stdin.read().removesuffix("\n")
    except UnicodeDecodeError:
        return "\udcff"


def _name_complaint(group: str, name: str) -> str:
    longest = max(len(part(group)), len(_unfinished(name)))
    if not group or longest > NAME_MAX:
        return f"Group and name are files' names, escaped of 1 to {NAME_MAX} characters."
    return variables.complaint(name)


def _value_complaint(value: str) -> str:
    if not value:
        return "The secret is empty; its value is expected on standard input."
    return variables.value_complaint(value)
