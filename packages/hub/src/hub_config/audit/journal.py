"""The files of the audit log, in the hub's data volume: a new one each day, the oldest removed when
their time is over or all of them are too large.

The hub and commands beside it write to the same files, one after the other (`flock`). What a crash
has cut off in the middle of a line is taken away by the next one that writes, which says so.
"""

import fcntl
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hub_config.audit import chain
from hub_config.audit.chain import START, Link, Record

Entry = Mapping[str, Any]

FILE_BYTES = 16 * 2**20
"""A day with more than this has several files."""

_TAIL = 2**18
"""Bytes at a file's end that are looked at for the last line; a line has far fewer."""

_NAME = re.compile(r"audit-(\d{4}-\d\d-\d\d)-(\d{3,})\.jsonl")


def files(folder: Path) -> list[Path]:
    """The files there are, the oldest first."""
    return sorted(path for path in folder.glob("audit-*.jsonl") if _NAME.fullmatch(path.name))


def lines(folder: Path) -> Iterator[tuple[str, str]]:
    """All lines, the oldest first, each with the words for where it is."""
    for path in files(folder):
        with path.open(encoding="utf-8", errors="replace") as file:
            for number, text in enumerate(file, 1):
                yield f"line {number} of {path.name}", text


def newest_first(folder: Path, since: str = "", holding: str = "") -> Iterator[Record]:
    """The entries from `since` on, a time in ISO format, the newest first.

    Only those whose line has `holding` in it; a file that goes meanwhile is passed over.
    """
    for path in reversed(files(folder)):
        if since and path.name[6:16] < since[:10]:
            return
        try:
            read = path.read_text("utf-8", errors="replace")
        except FileNotFoundError:
            continue
        for text in reversed(read.splitlines()):
            record = chain.parsed(text) if holding in text else None
            if record is not None and str(record.get("at", "")) >= since:
                yield record


def utc_now() -> datetime:
    """The time as entries have it."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Journal:
    """Writes to the files in `folder`.

    Entries are kept for `days` and at most a day longer; all files together have `most_bytes`.
    Without `days` it removes nothing: that is the hub's business.
    """

    folder: Path
    days: int | None = None
    most_bytes: int = 2**30
    now: Callable[[], datetime] = utc_now

    def append(self, entries: Sequence[Entry]) -> str:
        """Write them down, on the disk when this returns; what was found amiss is returned.

        Raises OSError when they cannot be written: then none of them is.
        """
        with self.alone():
            healed, at, path = self._end()
            told = ""
            wanted = list(entries)
            if healed:
                told = f"{healed} bytes of a line that a crash had cut off were taken away"
                wanted.insert(0, self.entry("audit.healed", bytes=healed))
            old = self._due()
            wanted += [self.entry(chain.REMOVED, **why) for why in old.values()]
            self._write(path, wanted, at)
            for one in old:
                with suppress(OSError):  # it is written: to try again would write it twice
                    one.unlink()
        return told

    def entry(self, what: str, **more: Any) -> Entry:
        """An entry of the log's own."""
        return {"at": stamp(self.now()), "what": what, "who": "hub", "result": "ok", **more}

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Meanwhile nobody else writes or removes anything."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        owner = self.folder.parent.stat()
        with os.fdopen(os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600), "r+") as lock:
            if os.getuid() == 0:  # an operator's command in the container
                os.fchown(lock.fileno(), owner.st_uid, owner.st_gid)
                os.chown(self.folder, owner.st_uid, owner.st_gid)
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _end(self) -> tuple[int, Link, Path]:
        """What was cut off, where the chain ends, and the file to go on with."""
        known = files(self.folder)
        today = f"audit-{self.now():%Y-%m-%d}-"
        cut, at = 0, START
        if known:
            cut = _heal(known[-1])
        for path in reversed(known):
            if (last := _last(path)) is not None:
                at = last
                break
        newest = known[-1] if known else None
        # A clock that was put back does not lead to an older file.
        if newest and (newest.name[: len(today)] >= today) and newest.stat().st_size < FILE_BYTES:
            return cut, at, newest
        day = max(today, newest.name[: len(today)] if newest else "")
        same = newest is not None and newest.name.startswith(day)
        number = int(newest.stem[len(day) :]) + 1 if newest and same else 1
        return cut, at, self.folder / f"{day}{number:03}.jsonl"

    def _due(self) -> dict[Path, dict[str, Any]]:
        """The files to be removed, with what is told about each. Never the newest."""
        known = files(self.folder)
        if self.days is None:
            return {}
        limit = f"{self.now() - timedelta(days=self.days + 1):%Y-%m-%d}"
        size = sum(path.stat().st_size for path in known)
        due: dict[Path, dict[str, Any]] = {}
        for path in known[:-1]:
            if path.name[6:16] >= limit and size <= self.most_bytes:
                break
            size -= path.stat().st_size
            why = "time" if path.name[6:16] < limit else "size"
            end = _last(path) or START
            due[path] = {"file": path.name, "why": why, "last": end.number, "last_hash": end.hash}
        return due

    def _write(self, path: Path, entries: Sequence[Entry], at: Link) -> None:
        text = ""
        for entry in entries:
            made, at = chain.line(entry, at)
            text += f"{made}\n"
        # Without a buffer: one would write what is left of it after all when the file is closed.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "ab", buffering=0) as file:
            size = file.seek(0, os.SEEK_END)
            if os.getuid() == 0:
                owner = self.folder.parent.stat()
                os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
            left = memoryview(text.encode())
            try:
                while left:
                    left = left[file.write(left) :]
                os.fdatasync(file.fileno())
            except OSError:
                os.ftruncate(file.fileno(), size)
                raise


def stamp(time: datetime) -> str:
    """A time as entries have it: UTC, to the millisecond."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds")


def _heal(path: Path) -> int:
    """Take away what comes after the last whole line; how many bytes that were."""
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        start = max(0, size - _TAIL)
        file.seek(start)
        tail = file.read()
        cut = len(tail) - (tail.rfind(b"\n") + 1)
        if cut:
            file.truncate(size - cut)
        return cut


def _last(path: Path) -> Link | None:
    """What the line after the last one of this file refers to; None when it holds none."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _TAIL))
        for text in reversed(file.read().decode("utf-8", errors="replace").splitlines()):
            if (record := chain.parsed(text)) is not None:
                return chain.link(record)
    return None
