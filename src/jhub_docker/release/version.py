"""Which version of an image (Semantic Versioning 2.0.0) a change asks for.

People's notebooks run against what is in an image, so its packages are its interface: taking one
away breaks somebody, a new one is a feature, the rest are fixes. Pure.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from jhub_docker.catalog.version import Version
from jhub_docker.errors import one_of
from jhub_docker.locks.refresh import Change
from jhub_docker.table import some

BUMPS = ("patch", "minor", "major")
"""From the least to the greatest."""

AUTO = "auto"
"""The value of `--bump` that leaves the choice to what changed."""


@dataclass(frozen=True)
class Proposal:
    """The next version, and because of what."""

    version: Version
    reason: str


def check_bump(value: str) -> str:
    """Check the value of `--bump`."""
    return one_of("--bump", value, (AUTO, *BUMPS))


def propose(
    last: Version | None,
    declared: Version,
    changes: Iterable[Change] = (),
    *,
    python: tuple[str, str] = ("", ""),
    bump: str = AUTO,
) -> Proposal:
    """The version to release after `last`.

    `changes` are those of the packages, `python` is `requires-python` before and now, `declared`
    is what the pyproject.toml says today. A first release has the declared version; later a
    declared version is taken when somebody raised it at least as far as the change asks for.
    """
    if last is None:
        if bump == AUTO:
            return Proposal(declared, "the first release")
        return Proposal(declared.bumped(bump), f"the first release, --bump {bump}")
    if bump != AUTO:
        return Proposal(last.bumped(bump), f"--bump {bump}")
    kind, reason = required(changes, python)
    asked = last.bumped(kind)
    if declared > last and declared >= asked:
        return Proposal(declared, f"declared in its pyproject.toml; asked for: {kind}, {reason}")
    return Proposal(asked, f"{kind}: {reason}")


def required(changes: Iterable[Change], python: tuple[str, str] = ("", "")) -> tuple[str, str]:
    """The least bump that the changes ask for, and why."""
    changes = list(changes)
    removed = [change.package for change in changes if change.after is None]
    added = [change.package for change in changes if change.before is None]
    raised = [str(change) for change in changes if change.direct and _is_feature(change)]
    if python[0] != python[1]:
        return "major", f"Python {python[0]} became {python[1]}"
    if removed:
        return "major", f"without {some(removed)}"
    if added:
        return "minor", f"with {some(added)}"
    if raised:
        return "minor", some(raised)
    if changes:
        return "patch", f"only patches and indirect packages: {some(c.package for c in changes)}"
    return "patch", "no package changed"


def _is_feature(change: Change) -> bool:
    """Whether the first two numbers of an upstream version differ."""
    if change.before is None or change.after is None:
        return False
    before, after = (re.findall(r"\d+", text)[:2] for text in (change.before, change.after))
    return before != after
