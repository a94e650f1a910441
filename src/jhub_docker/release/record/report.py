"""What was checked of an image, and what came of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jhub_docker.errors import ActionError


class UncheckedError(Exception):
    """A check could not be made; the message says why. That by itself is no failure."""


@dataclass(frozen=True)
class Check:
    """One check. `passed` is None for one that could not be made."""

    name: str
    passed: bool | None
    message: str

    @classmethod
    def make(cls, name: str, check: Callable[[], str]) -> "Check":
        """Run a check, which returns what it found, or raises ActionError or UncheckedError."""
        try:
            return cls(name, True, check())
        except UncheckedError as error:
            return cls(name, None, f"not checked: {error}")
        except ActionError as error:
            return cls(name, False, str(error))
        except Exception as error:  # what is not trusted may be malformed in any way
            return cls(name, False, f"what the registry has cannot be read: {error!r}")


@dataclass(frozen=True)
class Report:
    """All checks of an image, in order. `provenance` is the signed one; empty without one."""

    reference: str
    digest: str
    checks: tuple[Check, ...]
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that failed."""
        return tuple(check for check in self.checks if check.passed is False)

    def lines(self) -> list[str]:
        """The report as text, a line for each check."""
        words = {True: "ok", False: "FAILED", None: "-"}
        width = max(len(check.name) for check in self.checks)
        return [
            f"{self.reference} is {self.digest}{self._platforms()}",
            *(
                f"{words[check.passed]:<6}  {check.name:<{width}}  {check.message}"
                for check in self.checks
            ),
        ]

    def _platforms(self) -> str:
        """What the signed provenance says of platforms, with those that it was not made for."""
        if not self.provenance:
            return ""
        external = self.provenance["buildDefinition"]["externalParameters"]
        left_out = external.get("platformsLeftOut", ())
        lacking = f", not for {', '.join(left_out)}" if left_out else ""
        return f" for {', '.join(external['platforms'])}{lacking}"

    def to_json(self) -> dict[str, Any]:
        """The report as JSON."""
        return {
            "reference": self.reference,
            "digest": self.digest,
            "checks": [vars(check) for check in self.checks],
        }

    def require(self) -> None:
        """Raise ActionError naming the checks that failed."""
        if self.failed:
            names = ", ".join(check.name for check in self.failed)
            raise ActionError(f"{self.reference} cannot be trusted; failed: {names}")
