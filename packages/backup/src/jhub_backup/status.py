"""How the last backup, verification and drill went: a small file beside the key."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

NAME = "status.json"

TOLD = Path("/srv/metrics/backup/status.json")
"""What the hub makes metrics of, without words: times, and whether the last try failed."""


def write(state: Path, what: str, wrong: str, warning: str = "") -> None:
    """Remember now that `what` was done; `wrong` says what failed, empty for a success."""
    known = read(state)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    entry = known.get(what, {}) | {"tried": now, "wrong": wrong, "warning": warning}
    known[what] = entry if wrong else {**entry, "succeeded": now}
    _replace(state / NAME, known)


def tell(state: Path, place: Path = TOLD) -> None:
    """Have the hub know, where it has made a folder for that: no backup fails for its metrics."""
    told = {
        name: {"succeeded": one.get("succeeded", ""), "failed": bool(one["wrong"])}
        for name, one in read(state).items()
    }
    with suppress(OSError):
        if told and place.parent.is_dir():
            _replace(place, told)
            place.chmod(0o644)


def _replace(path: Path, content: dict[str, dict[str, Any]]) -> None:
    """Have a file hold this, complete from the moment it has its name."""
    unfinished = path.with_name(f".{path.name}.new")
    unfinished.write_text(json.dumps(content), "utf-8")
    unfinished.replace(path)


def read(state: Path) -> dict[str, dict[str, Any]]:
    """What is known; empty before the first time, and where the file was cut off."""
    try:
        known: dict[str, dict[str, Any]] = json.loads((state / NAME).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return known
