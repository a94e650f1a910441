"""What nobody needs any more of a platform in its engine: what interrupted starts and drills left,
and what is of services that are gone. Homes and data are never among it.

`found` judges and is pure; whoever asks sees to it that no start and no drill is under way.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from jhub_docker import engine
from jhub_docker.platform import containers
from jhub_docker.platform.compose import Platform
from jhub_docker.platform.containers import PLATFORM

Record = Mapping[str, Any]


@dataclass(frozen=True)
class LeftOver:
    """One thing: a container, a network or a volume, what the engine knows it by, and of what it
    is left. One that still runs is told, and not taken away."""

    what: str
    name: str
    identity: str
    of: str
    goes: bool = True


def drill_of(project: str) -> str:
    """What the platform beside one is called that a drill makes and deletes: as nobody's is."""
    return f"{project}-drill-{hashlib.sha256(project.encode()).hexdigest()[:8]}"


def look(platform: Platform) -> list[LeftOver]:
    """Ask the engine for all that has labels of platforms, and judge it."""
    labels = {"label": PLATFORM}
    return found(
        platform,
        containers.labelled(PLATFORM),
        engine.api().networks(filters=labels),
        engine.api().volumes(filters=labels)["Volumes"] or (),
        containers.inspected(platform, *platform.images),
    )


def found(
    platform: Platform,
    listed: Iterable[Record],
    networks: Iterable[Record],
    volumes: Iterable[Record],
    there: Iterable[Record],
) -> list[LeftOver]:
    """What has labels of this platform, of all profiles, or of its drill, and nobody any more;
    `there` are the services' containers as inspected, the rest is as listed. Of volumes only a
    drill's go, which are copies: others are homes and data.
    """
    drill, of_drill = drill_of(platform.project), "an interrupted drill"
    left = [
        LeftOver("container", one["Name"].lstrip("/"), one["Id"], "an interrupted start")
        for one in there
        if containers.is_left_over(one)
    ]
    for one in listed:
        labels, thing = one["Labels"], ("container", containers.name(one), one["Id"])
        owner, service = labels[PLATFORM], labels.get("com.docker.compose.service", "")
        if owner == drill:
            left.append(LeftOver(*thing, of_drill))
        elif owner == platform.project and service not in {*platform.images, ""}:
            of = f"a service that is no more: {service}"
            left.append(LeftOver(*thing, of, one["State"] != "running"))
    for what, known in (("network", networks), ("volume", volumes)):
        for one in known:
            if one["Labels"][PLATFORM] == drill:
                left.append(LeftOver(what, one["Name"], one.get("Id", one["Name"]), of_drill))
    return left


def remove(what: str, identity: str) -> None:
    """Take one thing away."""
    if what == "container":
        containers.remove(identity)
    else:
        act = engine.api().remove_network if what == "network" else engine.api().remove_volume
        containers.unless_gone(act, identity)
