"""The maintainers' rules: from what on a release is refused. `[tool.jhub-docker.audit]`."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from jhub_docker.errors import UsageError
from jhub_docker.release.audit import severity
from jhub_docker.release.audit.severity import Severity


@dataclass(frozen=True)
class Policy:
    """`severity`: findings from it on refuse a release. `max_age_days`: older data do not count.

    `accept_unreached`: release also where parts could not be checked, saying so in its record.
    """

    severity: Severity = Severity.HIGH
    accept_unreached: bool = False
    max_age_days: int = 30


def read(root: Path) -> Policy:
    """The rules in the root's pyproject.toml. Raises UsageError naming field, value, what is right.

    Fields: `severity` (a word), `unreached` (`refuse` or `accept`), `max-age-days`.
    """
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    table = tomllib.loads(text).get("tool", {}).get("jhub-docker", {}).get("audit", {})
    where = "pyproject.toml, [tool.jhub-docker.audit]"
    known = ("severity", "unreached", "max-age-days")
    for key in table:
        if key not in known:
            raise UsageError(f"{where} has an unknown field {key!r}; known: {', '.join(known)}")
    unreached = table.get("unreached", "refuse")
    if unreached not in ("refuse", "accept"):
        raise UsageError(f"{where}: unreached is {unreached!r}; expected 'refuse' or 'accept'")
    days = table.get("max-age-days", Policy.max_age_days)
    if not isinstance(days, int) or days < 1:
        raise UsageError(f"{where}: max-age-days is {days!r}; expected a number of days from 1")
    return Policy(
        severity=severity.named(table.get("severity", "high"), f"{where}: severity"),
        accept_unreached=unreached == "accept",
        max_age_days=days,
    )
