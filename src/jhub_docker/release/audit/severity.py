"""How bad: one of five words, from what a database says in its own way."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from cvss import CVSS2, CVSS3, CVSS4
from cvss.exceptions import CVSSError

from jhub_docker.errors import UsageError


class Severity(IntEnum):
    """CVSS' qualitative scale (specification 3.1, table 14); `UNKNOWN` is what nobody has rated."""

    UNKNOWN = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4

    def __str__(self) -> str:
        return self.name.lower()

    def reaches(self, limit: "Severity") -> bool:
        """Whether it is as bad as `limit` or worse. What nobody has rated may be, so it is."""
        return self is Severity.UNKNOWN or self >= limit


def named(word: str, where: str) -> Severity:
    """The severity a person wrote. Raises UsageError that names `where` it was written."""
    known = [str(level) for level in Severity if level is not Severity.UNKNOWN]
    if word not in known:
        raise UsageError(f"{where} is {word!r}; expected one of {', '.join(known)}")
    return Severity[word.upper()]


_WORDS = {
    "none": Severity.LOW,
    "negligible": Severity.LOW,
    "unimportant": Severity.LOW,
    "low": Severity.LOW,
    "moderate": Severity.MEDIUM,
    "medium": Severity.MEDIUM,
    "important": Severity.HIGH,
    "high": Severity.HIGH,
    "critical": Severity.CRITICAL,
}
_NEWEST_FIRST = (("CVSS_V4", CVSS4), ("CVSS_V3", CVSS3), ("CVSS_V2", CVSS2))


def of_record(record: Mapping[str, Any], affected: Mapping[str, Any]) -> Severity:
    """The severity in an OSV record for one of its `affected` packages.

    In this order: Debian's `unimportant` (its package is not really affected), the reviewers' word
    of GitHub's database, the newest CVSS vector, Debian's other urgencies.
    """
    specific = affected.get("ecosystem_specific") or {}
    # Debian's tracker marks with one or two asterisks what it has set by a heuristic.
    urgency = str(specific.get("urgency", "")).rstrip("*").lower()
    if urgency == "unimportant":
        return Severity.LOW
    reviewed = (record.get("database_specific") or {}).get("severity")
    if isinstance(reviewed, str) and reviewed.lower() in _WORDS:
        return _WORDS[reviewed.lower()]
    vectors = [*(affected.get("severity") or ()), *(record.get("severity") or ())]
    rated = _by_vector(vectors)
    return rated if rated is not Severity.UNKNOWN else _WORDS.get(urgency, Severity.UNKNOWN)


def _by_vector(vectors: list[Mapping[str, Any]]) -> Severity:
    for kind, calculator in _NEWEST_FIRST:
        found = [_rate(calculator, v.get("score", "")) for v in vectors if v.get("type") == kind]
        if rated := [level for level in found if level is not Severity.UNKNOWN]:
            return max(rated)
    return Severity.UNKNOWN


def _rate(calculator: type[Any], vector: str) -> Severity:
    try:
        score = calculator(vector)
    except CVSSError:
        return Severity.UNKNOWN
    word = score.severity if calculator is CVSS4 else score.severities()[0]
    return _WORDS.get(word.lower(), Severity.UNKNOWN)
