"""docs/commands.md, made from what tasks.py and noxfile.py declare.

`JHUB_TEST_WRITE_DOCS=1 ./dev nox -s docs` writes it; otherwise the session compares.
"""

import json
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from invoke.collection import Collection
from invoke.loader import FilesystemLoader

_ROOMS = {
    "": "Every day",
    "release": "One image's release",
    "engine": "The engine",
    "config": "Settings",
}
"""Headings by the first part of a task's name, in their order; others follow under their own."""

_HEAD = """\
# Tasks and sessions

Written from `tasks.py` and `noxfile.py` by `JHUB_TEST_WRITE_DOCS=1 ./dev nox -s docs`. Tasks act on
the engine, sessions only verify. `./dev invoke build --help` tells the same of one task. An image
is named by `-i` or by its name alone. What deletes or publishes asks first, and wants `--yes` where
there is no terminal; what only adds to the machine, such as an engine, is said and done there.
"""


def tasks(root: Path) -> Collection:
    """The collection that `./dev invoke` offers."""
    return Collection.from_module(FilesystemLoader(start=str(root)).load("tasks")[0])


def sessions(root: Path) -> list[Mapping[str, Any]]:
    """What `nox -l` knows of each session."""
    command = [str(root / "dev"), "nox", "-l", "--json"]
    listing = subprocess.run(command, capture_output=True, text=True, check=True)
    found: list[Mapping[str, Any]] = json.loads(listing.stdout)
    return found


def page(root: Path) -> str:
    """The whole page."""
    namespace = tasks(root)
    contexts = {context.name or "": context for context in namespace.to_contexts()}
    rooms: dict[str, list[tuple[str, str, str]]] = {room: [] for room in _ROOMS}
    for name in sorted(contexts):
        task, short = namespace[name], min([name, *contexts[name].aliases], key=len)
        told = " ".join((task.__doc__ or "").split("\n\n")[0].split())
        flags = {(_flag(one), one.help or "") for one in contexts[name].args.values()}
        room = rooms.setdefault(name.rpartition(".")[0], [])
        room.append((short, told, "<br>".join(map(_shown, sorted(flags)))))
    parts = [_HEAD]
    for heading, rows in rooms.items():
        if rows:
            parts.append(
                f"## {_ROOMS.get(heading, heading)}\n" + _table(("task", "does", "flags"), rows)
            )
    found: dict[str, tuple[str, ...]] = {}
    for one in sessions(root):
        tags = ", ".join(f"`-t {tag}`" for tag in one["tags"])
        found.setdefault(one["name"], (one["name"], one["description"], tags))
    parts.append("## Sessions\n" + _table(("session", "checks", "also with"), found.values()))
    return "\n".join(parts)


def _flag(argument: Any) -> str:
    names = sorted({name.rstrip("_").replace("_", "-") for name in argument.names}, key=len)
    return ", ".join(f"-{name}" if len(name) == 1 else f"--{name}" for name in names)


def _shown(flag: tuple[str, str]) -> str:
    return f"`{flag[0]}` {flag[1]}".replace("|", "\\|")


def _table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [" | ".join(columns), " | ".join("---" for _ in columns)]
    for first, *rest in rows:
        lines.append(" | ".join([f"`{first}`", *(cell.replace("\n", " ") for cell in rest)]))
    return "".join(f"| {line} |\n".replace("  |", " |") for line in lines)
