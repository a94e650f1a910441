"""When the next backup is due, and the service that makes it."""

import signal
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from jhub_backup import address, desk, launcher, status
from jhub_backup.errors import BackupError
from jhub_backup.repository import STATE
from jhub_backup.speech import error as say_error
from jhub_backup.speech import say

AGAIN = timedelta(minutes=30)
"""After so long a backup that failed is tried again."""

LOOK_EVERY = 2.0
"""Seconds between two looks at what the hub asks for."""


def times(text: str) -> list[tuple[int, int]]:
    """The times of day, in UTC, that `JHUB_BACKUP_SCHEDULE` says: `02:30`, or several. Pure."""
    found = []
    for word in text.replace(",", " ").split():
        hour, _, minute = word.partition(":")
        if not (hour.isdecimal() and minute.isdecimal() and int(hour) < 24 and int(minute) < 60):
            raise BackupError(
                f"JHUB_BACKUP_SCHEDULE has {word!r}; expected times of day in UTC such as 02:30", 2
            )
        found.append((int(hour), int(minute)))
    if not found:
        raise BackupError("JHUB_BACKUP_SCHEDULE is empty; expected times such as 02:30", 2)
    return sorted(found)


def last_due(now: datetime, at: Sequence[tuple[int, int]]) -> datetime:
    """The last time a backup should have begun. Pure."""
    days = (now.date() - timedelta(days=1), now.date())
    due = [datetime(d.year, d.month, d.day, *hm, tzinfo=UTC) for d in days for hm in at]
    return max(one for one in due if one <= now)


def next_start(now: datetime, at: Sequence[tuple[int, int]], known: Mapping[str, str]) -> datetime:
    """When to begin: now, if one was missed or failed; `known` is the status of `backup`. Pure."""
    due = last_due(now, at)
    succeeded = known.get("succeeded")
    if not succeeded or datetime.fromisoformat(succeeded) < due:
        tried = known.get("tried")
        failed = tried and known.get("wrong") and datetime.fromisoformat(tried) >= due
        return max(now, datetime.fromisoformat(tried or "") + AGAIN) if failed else now
    days = (now.date(), now.date() + timedelta(days=1))
    coming = [datetime(d.year, d.month, d.day, *hm, tzinfo=UTC) for d in days for hm in at]
    return min(one for one in coming if one > now)


def check(environ: Mapping[str, str], *, scheduled: bool = True) -> None:
    """Raise BackupError for settings that cannot be; `scheduled` ones have to name a repository."""
    times(environ.get("JHUB_BACKUP_SCHEDULE", ""))
    launcher.keep(environ.get("JHUB_BACKUP_KEEP", ""))
    if scheduled or environ.get("JHUB_BACKUP_TO"):
        address.require(environ.get("JHUB_BACKUP_TO", ""))


def serve(environ: Mapping[str, str]) -> None:
    """Back up whenever it is due, for ever. Raises BackupError for settings that cannot be."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    check(environ)
    at = times(environ.get("JHUB_BACKUP_SCHEDULE", ""))
    to = address.shown(environ["JHUB_BACKUP_TO"])
    threading.Thread(target=desk.attend, daemon=True).start()
    while True:
        now = datetime.now(UTC)
        start = next_start(now, at, status.read(STATE).get("backup", {}))
        if start > now:
            say(f"the next backup begins at {start:%Y-%m-%d %H:%M} UTC")
        while (left := (start - datetime.now(UTC)).total_seconds()) > 0:
            desk.serve(environ)
            time.sleep(min(left, LOOK_EVERY))  # a clock that is set is followed
        wrong = ""
        try:
            if launcher.run({"do": "backup"}, environ):
                wrong = "the backup failed; its lines above say why"
        except BackupError as error:
            wrong = str(error)
        if wrong:
            say_error(wrong, 1)
            # The worker may not have come so far as to say so.
            known = status.read(STATE).get("backup", {})
            status.write(STATE, "backup", known.get("wrong") or wrong, to=to)
            status.tell(STATE)
        desk.tell("backup", "failed" if wrong else "ok")


def health() -> str:
    """What is wrong with the scheduled backups; empty for nothing."""
    return str(status.read(STATE).get("backup", {}).get("wrong", ""))
