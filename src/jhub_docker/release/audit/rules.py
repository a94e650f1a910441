"""The maintainers' rules: from what on a release is refused, and what one lives with.

The first is `[tool.jhub-docker.audit]` in the root's pyproject.toml, the second `audit-allow.toml`:
at the root for all images, in a package's folder for that one. Each entry of it has a reason and a
day on which somebody has to look again.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from jhub_docker.catalog.fields import suggest
from jhub_docker.errors import UsageError, one_of
from jhub_docker.release.audit.findings import Finding, Severity, named

FILE = "audit-allow.toml"
_FIELDS = ("id", "package", "reason", "expires")


@dataclass(frozen=True)
class Policy:
    """`severity`: findings from it on refuse a release. `max_age_days`: older data do not count.

    `accept_unreached`: release also where parts could not be checked, saying so in its record.
    """

    severity: Severity = Severity.HIGH
    accept_unreached: bool = False
    max_age_days: int = 30


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
        packages = (finding.package, *(part.name for part in finding.parts))
        return self.id in finding.names and self.about(packages)

    def about(self, packages: Iterable[str]) -> bool:
        """Whether its package is one of these."""
        return canonicalize_name(self.package) in map(canonicalize_name, packages)

    def __str__(self) -> str:
        return f"{self.id} in {self.package} until {self.expires}: {self.reason}"


def policy(root: Path, *, accept_unreached: bool = False) -> Policy:
    """The rules in the root's pyproject.toml. Raises UsageError naming field, value, what is right.

    Fields: `severity` (a word), `unreached` (`refuse` or `accept`), `max-age-days`.
    """
    table = _toml(root / "pyproject.toml").get("tool", {}).get("jhub-docker", {}).get("audit", {})
    where = "pyproject.toml, [tool.jhub-docker.audit]"
    _known(table, ("severity", "unreached", "max-age-days"), where)
    unreached = table.get("unreached", "refuse")
    one_of(f"{where}: unreached", unreached, ("refuse", "accept"))
    days = table.get("max-age-days", Policy.max_age_days)
    if not isinstance(days, int) or days < 1:
        raise UsageError(f"{where}: max-age-days is {days!r}; expected a number of days from 1")
    severity = named(table.get("severity", "high"), f"{where}: severity")
    return Policy(severity, accept_unreached or unreached == "accept", days)


def allowances(folders: Iterable[Path], today: date) -> list[Entry]:
    """The entries of the files in these folders; a folder without one has none.

    Raises UsageError naming file and entry for TOML that does not parse, a field that is missing,
    unknown or of the wrong kind, and an entry that has expired.
    """
    found = []
    for path in (folder / FILE for folder in folders):
        table = _toml(path) if path.is_file() else {}
        entries = table.get("allow", [])
        if set(table) - {"allow"} or not isinstance(entries, list):
            listed = ", ".join(map(repr, table))
            raise UsageError(f"{path} holds {listed}; expected [[allow]] entries")
        found += [_entry(one, f"{path}, entry {n}", today) for n, one in enumerate(entries, 1)]
    return found


def _entry(table: Any, where: str, today: date) -> Entry:
    if not isinstance(table, dict):
        raise UsageError(f"{where} is {table!r}; expected a table with {', '.join(_FIELDS)}")
    told = " ".join(str(table[key]) for key in ("id", "package") if table.get(key))
    where = f"{where} ({told})" if told else where
    _known(table, _FIELDS, where)
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


def _known(table: Mapping[str, Any], fields: tuple[str, ...], where: str) -> None:
    for key in table:
        if key not in fields:
            raise UsageError(f"{where}: unknown field {key!r}; {suggest(key, fields)}")


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}") from None
