"""How the last backup, verification and drill went: a small file beside the key."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

NAME = "status.json"


def write(state: Path, what: str, wrong: str, warning: str = "") -> None:
    """Remember now that `what` was done; `wrong` says what failed, empty for a success."""
    known = read(state)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    entry = known.get(what, {}) | {"tried": now, "wrong": wrong, "warning": warning}
    known[what] = entry if wrong else {**entry, "succeeded": now}
    unfinished = state / f".{NAME}.new"
    unfinished.write_text(json.dumps(known), "utf-8")
    unfinished.replace(state / NAME)


def read(state: Path) -> dict[str, dict[str, Any]]:
    """What is known; empty before the first time, and where the file was cut off."""
    try:
        known: dict[str, dict[str, Any]] = json.loads((state / NAME).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return known
