"""Versions compared as each ecosystem does it: PEP 440, Debian policy 5.6.12, SemVer 2.0."""

from functools import lru_cache

from univers.versions import DebianVersion, InvalidVersion, PypiVersion, SemverVersion, Version

from jhub_docker.errors import JhubDockerError

_KINDS: dict[str, type[Version]] = {
    "PyPI": PypiVersion,
    "npm": SemverVersion,
    "Debian": DebianVersion,
}

COVERED = tuple(_KINDS)
"""OSV's ecosystems whose versions can be compared; `Debian:12` is one of Debian's."""


class NotComparableError(JhubDockerError):
    """A version does not follow the rules of its ecosystem."""


@lru_cache(maxsize=4096)
def parse(ecosystem: str, version: str) -> Version:
    """A version that compares with others of its ecosystem. Raises NotComparableError."""
    kind = _KINDS.get(ecosystem.partition(":")[0])
    if kind is None:
        raise NotComparableError(f"no rule to compare versions of {ecosystem}")
    try:
        return kind(version)
    except (InvalidVersion, ValueError, TypeError):
        raise NotComparableError(f"{version!r} is no version of {ecosystem}") from None


def older(ecosystem: str, left: str, right: str) -> bool:
    """Whether `left` comes before `right`. Raises NotComparableError."""
    return bool(parse(ecosystem, left) < parse(ecosystem, right))
