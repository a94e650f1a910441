"""What was found, each under a code of its own, and what docs/doctor.md says of that code.

A code is never used again for something else.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from jhub_docker.errors import foreseeable
from jhub_docker.progress import say
from jhub_docker.table import counted

PAGE = Path(__file__).resolve().parents[3] / "docs" / "doctor.md"

SECTION = r"^## (JD\d+) (.+)\n(.+)\n\n\*\*Do:\*\* (.+)(?:\n\n\*\*Fix:\*\* (.+)\.)?"
"""What the page says of a code: title, what it means, what to do, and what `--fix` does."""

ERROR, WARNING = "error", "warning"

IN_THE_WAY = frozenset(("JD001", "JD002", "JD004", "JD005", "JD006", "JD020", "JD022", "JD030"))
"""Errors with which no upgrade is begun: engine, disks, settings, secrets, database. With others,
such as a hub that has ended, it may be the cure."""


class Code(NamedTuple):
    """What a code stands for."""

    title: str
    means: str
    do: str
    fix: str


CODES: Mapping[str, Code] = {
    code: Code(*said) for code, *said in re.findall(SECTION, PAGE.read_text("utf-8"), re.M)
}


@dataclass(frozen=True)
class Finding:
    """One thing that was found: its code, a sentence, and whether the platform is well with it."""

    code: str
    says: str
    severity: str = ERROR
    subject: str = ""
    """What `--fix` has to know to mend it; empty where it mends nothing of it."""

    def told(self) -> dict[str, str]:
        """All there is to say of it, for programs."""
        known, own = CODES[self.code], asdict(self)
        del own["subject"]
        return own | {"means": known.means, "do": known.do}


@dataclass
class Examined:
    """What an examination found, and what it could not look at, each with the reason."""

    findings: list[Finding] = field(default_factory=list)
    not_seen: dict[str, str] = field(default_factory=dict)

    def look(self, what: str, at: Callable[[], Iterable[Finding]]) -> None:
        """Say it and look at it; a part that cannot be looked at does not end the rest."""
        say(f"looking at {what} …")
        try:
            self.findings += at()
        except Exception as error:
            if (known := foreseeable(error)) is None:
                raise
            self.not_seen[what] = str(known)

    @property
    def well(self) -> bool:
        """Whether no finding is an error; a warning is none."""
        return all(one.severity != ERROR for one in self.findings)

    @property
    def verdict(self) -> str:
        """One line."""
        errors = sum(one.severity == ERROR for one in self.findings)
        numbers = {ERROR: errors, WARNING: len(self.findings) - errors}
        found = [counted(number, word) for word, number in numbers.items() if number]
        return f"{'Well' if self.well else 'Not well'}: {' and '.join(found) or 'nothing found'}."

    def before_an_upgrade(self) -> tuple[list[str], list[str]]:
        """What is in the way of an upgrade, and what else there is to know before one."""
        listed = [(one, f"{one.code} {CODES[one.code].title}: {one.says}") for one in self.findings]
        wrong = [said for one, said in listed if one.severity == ERROR and one.code in IN_THE_WAY]
        return wrong, [said for _, said in listed if said not in wrong]

    def told(self) -> dict[str, Any]:
        """The whole of it, for programs."""
        return {
            "well": self.well,
            "verdict": self.verdict,
            "findings": [one.told() for one in self.findings],
            "not_looked_at": self.not_seen,
        }

    def text(self) -> str:
        """The whole of it, for people: the verdict first, errors before warnings."""
        lines = [self.verdict]
        for one in sorted(self.findings, key=lambda one: (one.severity, one.code)):
            known = CODES[one.code]
            says = one.says.replace("\n", "\n  ")
            lines += ["", f"{one.code} {one.severity}: {known.title}", f"  {says}"]
            lines += [f"  {known.means}", f"  Do: {known.do}"]
        if self.not_seen:
            lines.append("")
        lines += [f"Not looked at: {what} ({why})" for what, why in self.not_seen.items()]
        return "\n".join(lines)


def found(code: str, says: Iterable[str], severity: str = ERROR) -> list[Finding]:
    """A finding of one code for each sentence."""
    return [Finding(code, one, severity) for one in says]
