"""What the hub asks of the service that backs up, and what that has the audit log say: files in a
volume that both have (`jhub_backup.desk`).

The hub has neither the key of the backups nor a way into homes, so an admin's wish is written down
here and answered by whoever has both.
"""

import json
import logging
import secrets
import time
from collections.abc import Mapping
from contextvars import Context
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from hub_config import disk
from hub_config.audit import events
from hub_config.lifetimes.homes import HomeError

HOME = PurePosixPath("/home/nebula")
"""Where people know their home, in their servers."""

SERVED_SECONDS = 180
"""The service shows twice a minute that it is there, also while it backs up."""

MOST_WAITING = 20
MOST_SHOWN = 10

log = logging.getLogger(__name__)

Entry = dict[str, Any]


@dataclass(frozen=True)
class Desk:
    """The folders in the volume: `wishes` of the hub, `told` by the service, `done` and shown."""

    folder: Path

    def make(self) -> None:
        """At the hub's start. Who backs up is root without capabilities, in the hub's group."""
        for name in ("wishes", "told", "done"):
            (self.folder / name).mkdir(mode=0o770, parents=True, exist_ok=True)
            (self.folder / name).chmod(0o770)

    def is_served(self) -> bool:
        """Whether somebody answers."""
        try:
            seen = (self.folder / "told" / "served").stat().st_mtime
        except OSError:
            return False
        return time.time() - seen < SERVED_SECONDS

    def wish(self, **wanted: str) -> None:
        """Ask for a file: `who` asks, `on` is its person, then `volume`, `path` and `night`.

        Raises HomeError where that cannot be asked.
        """
        if not self.is_served():
            raise HomeError(
                "Nobody backs up by a schedule here: the profile `backup` does not run."
            )
        if len(self.waiting()) >= MOST_WAITING:
            raise HomeError("Too many files are waited for. Please try again in a while.")
        name = f"{time.time_ns()}-{secrets.token_hex(4)}.json"
        if not disk.write(self.folder / "wishes" / name, json.dumps(wanted).encode(), 0o640):
            raise HomeError("The disk of the hub is full.")

    def waiting(self) -> list[Entry]:
        """The wishes that are not answered yet, the oldest first."""
        return _read(self.folder / "wishes")

    def done(self) -> list[Entry]:
        """The last answers, the newest first."""
        return _read(self.folder / "done")[::-1]

    def collect(self) -> None:
        """Have the audit log say what the service told."""
        for file in sorted((self.folder / "told").glob("[!.]*.json")):
            if (entry := _parsed(file)) is not None:
                # None of it is of whoever's request is being answered.
                Context().run(_tell, entry)
            (self.folder / "wishes" / file.name).unlink(missing_ok=True)
            if entry and "path" in entry:
                file.replace(self.folder / "done" / file.name)
            else:
                file.unlink()
        for old in sorted((self.folder / "done").glob("*.json"))[:-MOST_SHOWN]:
            old.unlink()


def inside(path: str) -> str:
    """A path within a home, clean, however a person writes it. Raises HomeError. Pure."""
    whole = HOME / path.strip().removeprefix("~/")
    parts = whole.parts[len(HOME.parts) :]
    if not whole.is_relative_to(HOME) or ".." in parts or not parts or not path.isprintable():
        raise HomeError(f"{path!r} is no file or folder within a home.")
    return "/".join(parts)


def _tell(entry: Mapping[str, Any]) -> None:
    known = {key: str(entry.get(key, "")) for key in ("on", "who", "result")}
    rest = {key: entry[key] for key in entry.keys() - known.keys() - {"what", "night"}}
    events.tell(str(entry.get("what", "backup")), **known, **rest)


def _read(folder: Path) -> list[Entry]:
    found = (_parsed(file) for file in sorted(folder.glob("[!.]*.json")))
    return [one for one in found if one is not None]


def _parsed(file: Path) -> Entry | None:
    try:
        entry = json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        log.warning("%s says nothing: %s", file, error)
        return None
    return entry if isinstance(entry, dict) else None
