"""Compares what was restored with what the repository says of each file."""

import os
import stat
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from jhub_backup import hub_data, spaces, staging
from jhub_backup.repository import VOLUMES, Request, existing

KINDS: Mapping[str, Callable[[int], bool]] = {
    "file": stat.S_ISREG,
    "dir": stat.S_ISDIR,
    "symlink": stat.S_ISLNK,
    "fifo": stat.S_ISFIFO,
}
"""What restic calls them."""


def compare(request: Request) -> dict[str, Any]:
    """Compare restored volumes with what the repository says of each file."""
    repository = existing(request)
    different: list[str] = []
    count = 0
    for item in request["items"]:
        top, volume = f"/volumes/{item['source']}", VOLUMES / item["volume"]
        there = {shown(path): path for path in ("", *_all(volume))}
        for entry in repository.files(item["snapshot"]):
            if entry["path"] == top or entry["path"].startswith(f"{top}/"):
                inside = entry["path"][len(top) + 1 :]
                count += 1
                path = there.pop(inside, None)
                said = "missing" if path is None else difference(entry, volume / path)
                if said:
                    different.append(f"{item['volume']}/{inside}: {said}")
        # Databases are in their snapshots elsewhere.
        ours = (staging.PLACE, hub_data.NAME)
        different += [
            f"{item['volume']}/{path} is not in the backup"
            for path in there
            if path.partition("/")[0] not in ours and not path.endswith(f"/{spaces.DATABASE}")
        ]
    return {"files": count, "different": different}


def shown(path: str) -> str:
    """A path as restic's JSON has it: what is no UTF-8 in it is replaced."""
    return path.encode(errors="surrogateescape").decode(errors="replace")


def difference(entry: Mapping[str, Any], path: Path) -> str:
    """How a file differs from what the repository says of it; empty when it does not."""
    return next(_differences(entry, os.lstat(path)), "")


def _differences(entry: Mapping[str, Any], found: os.stat_result) -> Iterator[str]:
    if entry["type"] in KINDS and not KINDS[entry["type"]](found.st_mode):
        yield f"no {entry['type']}"
    if (found.st_uid, found.st_gid) != (entry.get("uid", 0), entry.get("gid", 0)):
        yield f"owned by {found.st_uid}:{found.st_gid}"
    shown = stat.filemode(found.st_mode)[1:]
    if entry["type"] != "symlink" and _plain(shown) != _plain(entry["permissions"][-9:]):
        yield f"mode {shown}"
    if entry["type"] == "file":
        if found.st_size != entry.get("size", 0):
            yield f"{found.st_size} bytes"
        when = datetime.fromisoformat(entry["mtime"][:19] + "+00:00").timestamp()
        if entry["mtime"].endswith("Z") and int(found.st_mtime) != int(when):
            yield "another time"


def _plain(permissions: str) -> str:
    """Permissions as Go shows them: without the letters of set-id and sticky bits."""
    return permissions.replace("s", "x").replace("t", "x").replace("S", "-").replace("T", "-")


def _all(volume: Path) -> list[str]:
    return [
        os.path.relpath(os.path.join(folder, name), volume)  # noqa: PTH118 - many
        for folder, folders, files in os.walk(volume)
        for name in (*folders, *files)
    ]
