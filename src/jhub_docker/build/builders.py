"""Which platforms an engine's builder can make images for: with its own processor, or emulated.

The first half asks the engine, the second half judges and is pure. A build that runs no step, only
copies, needs no processor at all and can be made anywhere.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from jhub_docker.catalog import PLATFORMS, ImageSpec
from jhub_docker.catalog.dockerfile import instructions
from jhub_docker.engine import builder_name, docker, quick
from jhub_docker.errors import ActionError, one_of

ALL = "all"
"""What stands for every platform that the images are declared for."""


@dataclass(frozen=True)
class Builder:
    """`own` is the platform of the engine's processor, `runs` are all whose steps it can run."""

    own: str
    runs: frozenset[str]


@dataclass(frozen=True)
class Way:
    """How an image is built for a platform; where it cannot be, `how` is empty and `why` tells.

    `copied` means that nothing has to run: all that is missing is made by copying. `mend` is what
    to do where something can be done about it.
    """

    image: str
    platform: str
    how: Literal["native", "emulated", "copied", ""]
    why: str = ""
    mend: str = ""


def own_platform() -> str:
    """The platform of the engine's processor, e.g. `linux/amd64`."""
    said = quick.server()
    if said is None:
        raise ActionError("no Docker Engine answers, so nobody knows its platform")
    return f"{said['Os']}/{said['Arch']}"


def read() -> Builder:
    """Ask the engine's own builder what it can run; raises ActionError when it does not say."""
    own = own_platform()
    said = docker("buildx", "inspect", "--bootstrap", builder_name())
    return Builder(own, parse(said.require("buildx does not tell what it can build")) | {own})


def parse(inspected: str) -> frozenset[str]:
    """The platforms in what `docker buildx inspect` prints (those a person set have a `*`)."""
    lines = re.findall(r"^Platforms:(.*)$", inspected, re.MULTILINE)
    return frozenset(one.strip().rstrip("*") for line in lines for one in line.split(",")) - {""}


def asked(values: Iterable[str]) -> tuple[str, ...]:
    """The platforms that the values of `--platform` name, `all` of them or each by its name.

    Raises UsageError for one that no image is made for.
    """
    wanted = [one_of("--platform", one, (ALL, *PLATFORMS)) for one in dict.fromkeys(values)]
    return PLATFORMS if ALL in wanted else tuple(wanted)


def way(
    image: ImageSpec, platform: str, builder: Builder, running: Sequence[str], lacking: str = ""
) -> Way:
    """How `image` can be built for a platform by this builder.

    `running` are the packages that have to be built for it by running something; `lacking` says
    why a base it stands on cannot be had for it.
    """
    made = partial(Way, image.name, platform)
    if platform == builder.own:
        return made("native")
    if platform not in image.platforms:
        return made("", f"it is declared for {', '.join(image.platforms)}")
    if lacking:
        return made("", lacking)
    if not running:
        return made("copied")
    if platform in builder.runs:
        return made("emulated")
    architecture = platform.split("/")[1]
    return made(
        "",
        f"the engine runs {builder.own} and emulates no {architecture}, which steps of "
        f"{', '.join(running)} need",
        "emulate it: install the distribution's package qemu-user-static (and binfmt-support "
        "where systemd does not run), or use Docker Desktop; or use an engine on an "
        f"{architecture} machine (DOCKER_HOST, `docker context use`)",
    )


def require(ways: Iterable[Way]) -> None:
    """Raise ActionError naming each image that cannot be built for its platform, and what to do."""
    if lines := refused(ways):
        raise ActionError("\n".join(lines))


def refused(ways: Iterable[Way]) -> list[str]:
    """A line for each image that cannot be built for its platform, and below what to do."""
    found = [way for way in ways if not way.how]
    lines = [f"{way.image} cannot be built for {way.platform}: {way.why}" for way in found]
    return [*lines, *mends(found)]


def mends(ways: Iterable[Way]) -> list[str]:
    """What to do about those that cannot be built, each once, as lines to show below them."""
    return [f"  -> {mend}" for mend in dict.fromkeys(way.mend for way in ways) if mend]


def runs_something(dockerfile: str) -> bool:
    """Whether a Dockerfile has a step that runs a program of the platform it is built for.

    Stages `FROM --platform=$BUILDPLATFORM` run on the builder's own.
    """
    own_stage = False
    for word, rest in instructions(dockerfile):
        if word == "FROM":
            own_stage = "--platform=$BUILDPLATFORM" in rest
        elif word == "RUN" and not own_stage:
            return True
    return False
