"""The maintainers' rules: from what on a release is refused, and what one lives with.

The first is `severity` in `[tool.jhub-docker.audit]` of the root's pyproject.toml, the second
`audit-allow.toml`: at the root for all images, in a package's folder for that one. Each entry of it
has a reason and a day on which somebody has to look again.
"""

import tomllib
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct
from packaging.utils import canonicalize_name

from jhub_docker.errors import UsageError, one_of
from jhub_docker.release.audit.findings import Finding, Severity

FILE = "audit-allow.toml"
_EXPECTED = "each [[allow]] has id, package, reason, and expires, a day such as 2027-01-31"

Text = Annotated[str, Meta(pattern=r"\S")]
T = TypeVar("T")


class Entry(Struct, frozen=True, forbid_unknown_fields=True):
    """One `[[allow]]`: the vulnerability by any of its names, in one package, until a day."""

    id: Text
    package: Text
    reason: Text
    expires: date

    def permits(self, finding: Finding) -> bool:
        """Whether it speaks of this finding."""
        packages = (finding.package, *(part.name for part in finding.parts))
        return self.id in finding.names and self.about(packages)

    def about(self, packages: Iterable[str]) -> bool:
        """Whether its package is one of these."""
        return canonicalize_name(self.package) in map(canonicalize_name, packages)


class _Allowed(Struct, forbid_unknown_fields=True):
    allow: tuple[Entry, ...] = ()


class _Policy(Struct, forbid_unknown_fields=True):
    severity: str = "high"


def limit(root: Path) -> Severity:
    """The severity from which on a release is refused. Raises UsageError for one there is not."""
    tools = _toml(root / "pyproject.toml").get("tool", {})
    where, own = "pyproject.toml, [tool.jhub-docker.audit]", tools.get("jhub-docker", {})
    word = _read(own.get("audit", {}), _Policy, where, "severity alone may be there").severity
    words = [str(level) for level in Severity if level]
    return Severity[one_of(f"{where}: severity", word, words).upper()]


def allowances(folders: Iterable[Path], today: date) -> list[Entry]:
    """The entries of the files in these folders; a folder without one has none.

    Raises UsageError naming file and entry for TOML that does not parse, a field that is missing,
    unknown or of the wrong kind, and an entry that has expired.
    """
    found = []
    for path in (folder / FILE for folder in folders):
        table = _toml(path) if path.is_file() else {}
        for entry in _read(table, _Allowed, str(path), _EXPECTED).allow:
            if entry.expires < today:
                raise UsageError(
                    f"{path}: {entry.id} in {entry.package} has expired on {entry.expires}: look "
                    "at it again, then mend what it is about, remove the entry, or give it a new "
                    "day"
                )
            found.append(entry)
    return found


def _read(table: Any, kind: type[T], where: str, expected: str) -> T:
    try:
        return msgspec.convert(table, kind)
    except msgspec.ValidationError as error:
        told = str(error).replace("`$.", "`")
        raise UsageError(f"{where}: {told}; {expected}") from None


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}") from None
