"""Which platforms a release is made for: all its image is declared for that can be built here.

What is left out is said, and stands in the ledger and in the provenance.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from jhub_docker.build import builders
from jhub_docker.build.builders import Way
from jhub_docker.errors import UsageError


class Choice(NamedTuple):
    """`made` are the platforms, the engine's own first; `left_out` says why others are not.

    `told` is what a maintainer has to know of it, in a line for each platform.
    """

    made: tuple[str, ...]
    left_out: Mapping[str, str]
    told: str


def choose(ways: Iterable[Way], own: str, asked: Sequence[str] = ()) -> Choice:
    """Decide from the ways to all the platforms that an image is declared for. Pure.

    `asked` are platforms by name, which then have to be possible; without it, all that can be
    built. Raises UsageError for a platform the image is not declared for, ActionError when one that
    was named cannot be built, or when none can.
    """
    by_platform = {way.platform: way for way in ways}
    image = next(iter(by_platform.values())).image
    for platform in asked:
        if platform not in by_platform:
            declared = ", ".join(by_platform)
            raise UsageError(f"{image} is declared for {declared}, not for {platform}")
    possible = [platform for platform, way in by_platform.items() if way.how]
    made = [platform for platform in possible if not asked or platform in asked]
    builders.require(by_platform[one] for one in asked or ([] if made else by_platform))
    made.sort(key=lambda one: one != own)
    left_out = {
        one: way.why or "not asked for" for one, way in by_platform.items() if one not in made
    }
    lines = [
        f"{image} is made for {', '.join(made)}",
        *(f"  NOT for {one}, which it is declared for: {why}" for one, why in left_out.items()),
        *builders.mends(by_platform[one] for one in left_out),
    ]
    return Choice(tuple(made), left_out, "\n".join(lines))
