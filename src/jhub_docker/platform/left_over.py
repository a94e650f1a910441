"""What nobody needs any more of a platform in its engine: what interrupted starts and drills left,
and what is of services that are gone. Homes and data are never among it.

`found` judges and is pure; whoever asks sees to it that no start and no drill is under way.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from jhub_docker import engine
from jhub_docker.catalog.identity import LABEL
from jhub_docker.platform import containers
from jhub_docker.platform.compose import Platform

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
    label = f"{LABEL}.platform"
    return found(
        platform,
        containers.labelled(label),
        engine.api().networks(filters={"label": label}),
        engine.api().volumes(filters={"label": label})["Volumes"] or (),
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

    def owner(one: Record) -> str:
        return str((one["Labels"] or {}).get(f"{LABEL}.platform", ""))

    left = [
        LeftOver("container", one["Name"].lstrip("/"), one["Id"], "an interrupted start")
        for one in there
        if containers.is_left_over(one)
    ]
    known = {*platform.images, ""}
    for one in listed:
        thing = "container", containers.name(one), one["Id"]
        service = (one["Labels"] or {}).get("com.docker.compose.service", "")
        if owner(one) == drill:
            left.append(LeftOver(*thing, of_drill))
        elif owner(one) == platform.project and service not in known:
            of = f"a service that is no more: {service}"
            left.append(LeftOver(*thing, of, one["State"] != "running"))
    of_networks = (one for one in networks if owner(one) == drill)
    left += [LeftOver("network", one["Name"], one["Id"], of_drill) for one in of_networks]
    copies = (one["Name"] for one in volumes if owner(one) == drill)
    return left + [LeftOver("volume", name, name, of_drill) for name in copies]


def remove(what: str, identity: str) -> None:
    """Take one thing away."""
    if what == "container":
        containers.remove(identity)
    else:
        act = engine.api().remove_network if what == "network" else engine.api().remove_volume
        containers.unless_gone(act, identity)
