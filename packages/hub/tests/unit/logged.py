"""An audit log as tests write it, look at it and change it behind its back."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hub_config.audit import chain, journal
from hub_config.audit.chain import Link
from hub_config.audit.journal import Journal

DAY = datetime(2026, 11, 30, 12, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = DAY

    def __call__(self) -> datetime:
        return self.now


def write(log: Journal, *names: str) -> None:
    for name in names:
        log.append([log.entry("login", on=name)])


def verdict(log: Journal, noted: Link | None = None) -> chain.Verdict:
    return chain.verify(journal.lines(log.folder), noted)


def edit(path: Path, number: int, change: Any) -> None:
    """Have `change` make another line of the one with this number, or none."""
    lines = path.read_text().splitlines(keepends=True)
    lines[number - 1] = change(lines[number - 1])
    path.write_text("".join(lines))
