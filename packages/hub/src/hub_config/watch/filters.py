"""Which entries of the audit log somebody wants to see. No JupyterHub: commands use it, too."""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hub_config.audit.chain import Record
from hub_config.audit.journal import newest_first, stamp


@dataclass(frozen=True)
class Wanted:
    """What somebody wants to see; an empty string is no condition.

    `person` did it or it was done to them, `what` is how its name begins, times are in ISO format;
    `before` is a number: those that are older. `own`: `person` sees it themselves, so nothing of
    who had that name before.
    """

    person: str = ""
    what: str = ""
    since: str = ""
    until: str = ""
    before: int = 0
    own: bool = False

    def fits(self, entry: Record) -> bool:
        """Whether `entry` is wanted."""
        person = not self.person or self.person in people_of(entry)
        kind = str(entry.get("what", "")).startswith(self.what)
        older = not self.before or entry["n"] < self.before
        return person and kind and older and (not self.until or str(entry["at"]) <= self.until)


def people_of(entry: Record) -> tuple[str, ...]:
    """Everybody whom an entry is about."""
    return (str(entry.get("who", "")), str(entry.get("on", "")), *entry.get("people", ()))


def wanted(
    person: str, what: str, since: str, until: str, before: str = "", now: datetime | None = None
) -> Wanted:
    """What was asked for. Raises ValueError with a sentence for what cannot be understood."""
    end = time_of(until, now)
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", until.strip()):
        with suppress(OverflowError):  # there is no day after the last one
            end = stamp(datetime.fromisoformat(end) + timedelta(days=1))
    if before and not re.fullmatch(r"[0-9]{1,18}", before):
        raise ValueError(f"{before!r} is no number of an entry.")
    return Wanted(person.strip(), what.strip(), time_of(since, now), end, int(before or 0))


def time_of(text: str, now: datetime | None = None) -> str:
    """The time that is meant by `2026-11-30`, `2026-11-30T12:00`, `12h` or `7d` (ago); UTC, as
    entries have it, empty for nothing. Raises ValueError.
    """
    text = text.strip()
    if not text:
        return ""
    if ago := re.fullmatch(r"(\d{1,5})([mhd])", text):
        unit = {"m": "minutes", "h": "hours", "d": "days"}[ago[2]]
        return stamp((now or datetime.now(UTC)) - timedelta(**{unit: int(ago[1])}))
    try:
        found = datetime.fromisoformat(text)
        return stamp(found if found.tzinfo else found.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        raise ValueError(
            f"{text!r} is no time; expected is one such as 2026-11-30, 2026-11-30T12:00, 12h or 7d."
        ) from None


def found(folder: Path, wish: Wanted) -> Iterator[Record]:
    """The entries that are wanted, the newest first."""
    # Most lines are others': those need not be read as JSON.
    holding = json.dumps(wish.person, ensure_ascii=False)[1:-1]
    for entry in newest_first(folder, wish.since, holding):
        renamed = entry.get("what") == "user.change" and entry.get("result") == "ok"
        if wish.own and renamed and entry.get("new_name") == wish.person:
            return
        if wish.fits(entry):
            yield entry
