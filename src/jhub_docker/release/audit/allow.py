"""Findings that maintainers have looked at and live with: `audit-allow.toml`.

At the root for all images, in a package's folder for that one. Each entry has a reason and a day on
which somebody has to look again.
"""

import difflib
import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from jhub_docker.errors import UsageError
from jhub_docker.release.audit.findings import Finding

FILE = "audit-allow.toml"
_FIELDS = ("id", "package", "reason", "expires")


@dataclass(frozen=True)
class Entry:
    """One `[[allow]]`: the vulnerability by any of its names, in one package, until a day."""

    id: str
    package: str
    reason: str
    expires: date
    where: str

    def permits(self, finding: Finding) -> bool:
        """Whether it speaks of this finding."""
        return self.id in finding.names and self.about(
            (finding.package, *(component.name for component in finding.components))
        )

    def about(self, packages: Iterable[str]) -> bool:
        """Whether its package is one of these."""
        return canonicalize_name(self.package) in {canonicalize_name(name) for name in packages}

    def __str__(self) -> str:
        return f"{self.id} in {self.package} until {self.expires}: {self.reason}"


def read(folders: Iterable[Path], today: date) -> list[Entry]:
    """The entries of the files in these folders; a folder without one has none.

    Raises UsageError naming file, line and entry for TOML that does not parse, a field that is
    missing, unknown or of the wrong kind, and an entry that has expired.
    """
    return [entry for folder in folders for entry in _file(folder / FILE, today)]


def split(
    findings: Iterable[Finding], entries: Sequence[Entry]
) -> tuple[list[Finding], list[tuple[Finding, Entry]]]:
    """The findings nobody has allowed, and those that are, with the entry that does it."""
    left, allowed = [], []
    for finding in findings:
        entry = next((entry for entry in entries if entry.permits(finding)), None)
        if entry is None:
            left.append(finding)
        else:
            allowed.append((finding, entry))
    return left, allowed


def _file(path: Path, today: date) -> list[Entry]:
    if not path.is_file():
        return []
    try:
        text = path.read_text(encoding="utf-8")
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}") from None
    entries = table.get("allow", [])
    if set(table) - {"allow"} or not isinstance(entries, list):
        raise UsageError(f"{path} holds {', '.join(map(repr, table))}; expected [[allow]] entries")
    # TOML's parser keeps no positions; entries written as tables begin with their own heading.
    lines = [n for n, line in enumerate(text.splitlines(), 1) if re.match(r"\s*\[\[\s*allow", line)]
    made = []
    for number, entry in enumerate(entries):
        line = f" line {lines[number]}" if len(lines) == len(entries) else ""
        made.append(_entry(entry, f"{path}{line}, entry {number + 1}", today))
    return made


def _entry(table: Any, where: str, today: date) -> Entry:
    if not isinstance(table, dict):
        raise UsageError(f"{where} is {table!r}; expected a table with {', '.join(_FIELDS)}")
    named = " ".join(str(table[key]) for key in ("id", "package") if table.get(key))
    where = f"{where} ({named})" if named else where
    for key in table:
        if key not in _FIELDS:
            near = difflib.get_close_matches(key, _FIELDS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(_FIELDS)}"
            raise UsageError(f"{where}: unknown field {key!r}; {hint}")
    for key in ("id", "package", "reason"):
        if not isinstance(table.get(key), str) or not table[key].strip():
            raise UsageError(f"{where}: {key!r} is missing or no text; every entry has one")
    expires = table.get("expires")
    if not isinstance(expires, date) or isinstance(expires, datetime):
        raise UsageError(f"{where}: 'expires' is {expires!r}; expected a day such as 2027-01-31")
    if expires < today:
        raise UsageError(
            f"{where} has expired on {expires}: look at it again, then mend what it is about, "
            "remove the entry, or give it a new day"
        )
    return Entry(table["id"], table["package"], table["reason"].strip(), expires, where)
