"""How the last backup, verification and drill went: a small file beside the key."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

NAME = "status.json"

TOLD = Path("/srv/metrics/backup/status.json")
"""What the hub makes metrics of, without words: times, and whether the last try failed."""


ELSEWHERE = "repositories"
"""Where the file has how it went with each repository, by its address."""


def write(
    state: Path, what: str, wrong: str, warning: str = "", *, to: str = "", own: bool = True
) -> None:
    """Remember now that `what` was done; `wrong` says what failed, empty for a success.

    `to` is with which repository; one that is not the platform's `own` says nothing of how that is
    backed up.
    """
    known = _known(state)
    each = known.setdefault(ELSEWHERE, {to: dict(known)} if own else {})
    now = datetime.now(UTC).isoformat(timespec="seconds")
    for entries in (each.setdefault(to, {}), *([known] if own else [])):
        entry = entries.get(what, {}) | {"tried": now, "wrong": wrong, "warning": warning}
        entries[what] = entry if wrong else {**entry, "succeeded": now}
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


def read(state: Path, to: str | None = None) -> dict[str, dict[str, Any]]:
    """What is known of how the platform is backed up, or of one repository; empty before the first
    time, and where the file was cut off."""
    known = _known(state)
    # A file of before repositories were told apart is of any.
    each = known.pop(ELSEWHERE, {to: known})
    return dict(known if to is None else each.get(to, {}))


def _known(state: Path) -> dict[str, dict[str, Any]]:
    try:
        known: dict[str, dict[str, Any]] = json.loads((state / NAME).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return known
