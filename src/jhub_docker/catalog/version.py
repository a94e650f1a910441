"""The version of an image (Semantic Versioning 2.0.0). Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from jhub_docker.errors import UsageError

PATTERN = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")


@dataclass(frozen=True, order=True)
class Version:
    """A released version; pre-releases are not made."""

    major: int
    minor: int
    patch: int

    @classmethod
    def parse(cls, text: str) -> "Version":
        """Read `1.2.0`. Raises UsageError for anything else."""
        match = PATTERN.fullmatch(text)
        if match is None:
            raise UsageError(f"{text!r} is no version of an image; expected one such as 1.2.0")
        return cls(*map(int, match.groups()))

    @classmethod
    def among(cls, texts: Iterable[str]) -> list["Version"]:
        """Those of the texts that are versions, lowest first."""
        return sorted(cls.parse(one) for one in texts if PATTERN.fullmatch(one))

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"

    def bumped(self, bump: str) -> "Version":
        """The next version of that kind."""
        if bump == "major":
            return Version(self.major + 1, 0, 0)
        if bump == "minor":
            return Version(self.major, self.minor + 1, 0)
        return Version(self.major, self.minor, self.patch + 1)
