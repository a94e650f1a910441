"""The maintainers' rules: from what on a release is refused, and what one lives with.

The first is `severity` in `[tool.jhub-docker.audit]` of the root's pyproject.toml, the second
`audit-allow.toml`: at the root for all images, in a package's folder for that one. Each entry of it
has a reason and a day on which somebody has to look again.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from jhub_docker.catalog.fields import Rule, suggest
from jhub_docker.errors import UsageError
from jhub_docker.release.audit.findings import Finding, Severity

FILE = "audit-allow.toml"
_WORDS = [str(level) for level in Severity if level]
_TEXT: Rule = (lambda value: isinstance(value, str) and bool(value.strip()), "a text")
_ENTRY: Mapping[str, Rule] = {
    **dict.fromkeys(("id", "package", "reason"), _TEXT),
    "expires": (lambda value: type(value) is date, "a day such as 2027-01-31"),
}
_POLICY: Mapping[str, Rule] = {
    "severity": (lambda value: value in _WORDS, f"one of {', '.join(_WORDS)}"),
}


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


def limit(root: Path) -> Severity:
    """The severity from which on a release is refused. Raises UsageError for one there is not."""
    own = _toml(root / "pyproject.toml").get("tool", {}).get("jhub-docker", {}).get("audit", {})
    table = {"severity": "high", **own}
    _check(table, _POLICY, "pyproject.toml, [tool.jhub-docker.audit]")
    return Severity[str(table["severity"]).upper()]


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


def _entry(table: Mapping[str, Any], where: str, today: date) -> Entry:
    where += f" ({table.get('id', '')} {table.get('package', '')})"
    _check(table, _ENTRY, where)
    if table["expires"] < today:
        raise UsageError(
            f"{where} has expired on {table['expires']}: look at it again, then mend what it is "
            "about, remove the entry, or give it a new day"
        )
    return Entry(**table, where=where)


def _check(table: Mapping[str, Any], rules: Mapping[str, Rule], where: str) -> None:
    """Raise UsageError for a field that is unknown, or missing, or not what it has to be."""
    for key in table:
        if key not in rules:
            raise UsageError(f"{where}: unknown field {key!r}; {suggest(key, rules)}")
    for key, (fits, expected) in rules.items():
        if not fits(table.get(key)):
            raise UsageError(f"{where}: {key!r} is {table.get(key)!r}; expected {expected}")


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}") from None
