"""What a platform had before an upgrade, and how far one is.

The engine remembers it, so that any checkout sees the same, also after a kill. Images are kept by
the tag `before-PLATFORM`, with which the hub finds all of them, also those that people start;
database and settings are in a volume. Two more tags of the hub's new image say how far it is:

    upgrading   it was begun, and nothing says yet that all is well
    both        it is going back
    refused     it went back: `up` goes on with what was before until there is another image
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from docker.errors import ImageNotFound

from jhub_docker import engine
from jhub_docker.build import marks
from jhub_docker.catalog.identity import LABEL
from jhub_docker.engine import quick
from jhub_docker.errors import ActionError, UsageError
from jhub_docker.platform import before_files, compose, containers
from jhub_docker.platform.compose import DATA, HUB, PROXY, PYTHON, Platform

DB_URL = "JHUB_DB_URL"

BEFORE, UPGRADING, REFUSED = marks.BEFORE, "upgrading", "refused"
"""Tags, each followed by the platform's name."""

HERE = "/srv/proxy"
"""Where the container has the volume: a folder of the image that is the hub's, and so is a new
volume there."""


class State(StrEnum):
    """How far an upgrade is."""

    NONE = "none"
    UNDER_WAY = "under way"
    GOING_BACK = "going back"


def tag(kind: str, project: str) -> str:
    """One of the tags of a platform."""
    return f"{kind}-{project}"


def image(platform: Platform, kind: str) -> Mapping[str, Any] | None:
    """The hub's image with this tag."""
    return quick.image(f"{_repository(platform)}:{tag(kind, platform.project)}")


def state(platform: Platform) -> State:
    """How far an upgrade is."""
    if not (begun := image(platform, UPGRADING)):
        return State.NONE
    refused = image(platform, REFUSED) or {"Id": ""}
    return State.GOING_BACK if refused["Id"] == begun["Id"] else State.UNDER_WAY


def require_none_under_way(platform: Platform) -> None:
    """Raise UsageError while an upgrade is neither done nor taken back: what it goes back to are
    the database and the settings that there were."""
    if state(platform) is not State.NONE:
        raise UsageError(
            f"an upgrade of {platform.project} was interrupted: finish it first with ./dev invoke "
            "up, or take it back with ./dev invoke upgrade --rollback"
        )


def stays(platform: Platform) -> bool:
    """Whether the hub's image is one that an upgrade has come back from, to what was before."""
    if not (refused := image(platform, REFUSED)):
        return False
    wanted = quick.image(platform.images[HUB])
    return bool(wanted and refused["Id"] == wanted["Id"] and image(platform, BEFORE))


def seen(root: Path) -> dict[str, str]:
    """The images on offer to people and the one that backs up, ids by repository.

    Asked before a build, which may give their tags to others. Empty where no hub is there.
    """
    platform = compose.read(root)
    hub = containers.first(platform, HUB)
    if not (offers := (containers.variables(hub) if hub else {}).get("JHUB_IMAGE_TAG")):
        return {}
    return {
        reference.rpartition(":")[0]: one["Id"]
        for one in engine.api().images(filters={"label": f"{LABEL}.package"})
        if f"{LABEL}.profiles" in one["Labels"] or one["Labels"][f"{LABEL}.package"] == "backup"
        for reference in one["RepoTags"] or ()
        if reference.rpartition(":")[2] == offers
    }


def running(platform: Platform) -> dict[str, str]:
    """The images of hub and proxy as they are there, ids by repository; empty without a hub."""
    found = {
        platform.images[service].rpartition(":")[0]: one["Image"]
        for service in (HUB, PROXY)
        if (one := containers.first(platform, service))
    }
    return found if _repository(platform) in found else {}


def keep(platform: Platform, images: Mapping[str, str]) -> None:
    """Keep images, database and settings; an earlier upgrade's are given up."""
    about = {"time": datetime.now(UTC).isoformat(timespec="seconds"), "images": dict(images)}
    if images:  # there is a hub
        copy(platform)
    _run(platform, "keep", json.dumps(about))
    tag_kept(platform, images)


def copy(platform: Platform) -> None:
    """Have the hub keep a copy of its records, where they are in PostgreSQL."""
    if platform.hub_environment.get(DB_URL):
        ended = platform.in_hub("copy")
        ended = platform.once(HUB, "copy") if ended.code else ended  # none runs
        ended.require("no copy of the database in PostgreSQL", 1)


def bring_over(platform: Platform) -> None:
    """Have the hub's image take over what was put back into the data volume, if it has its records
    in PostgreSQL. Raises ActionError where it cannot: then these are as they were.
    """
    if platform.hub_environment.get(DB_URL):
        platform.once(HUB, "move", "postgres", "--replace").require(lines=1)


def tag_kept(platform: Platform, images: Mapping[str, str]) -> None:
    """Have the images that were kept, and no others, known by their tag."""
    name = tag(BEFORE, platform.project)
    for repository, identity in images.items():
        with suppress(ImageNotFound):  # removed meanwhile
            engine.api().tag(identity, repository, name)
    _untag(*(one for one in _references(name) if one.rpartition(":")[0] not in images))


def begin(platform: Platform, new: str) -> None:
    """From here on an upgrade to the hub's image with this id is under way."""
    _untag(f"{_repository(platform)}:{tag(REFUSED, platform.project)}")
    engine.api().tag(new, _repository(platform), tag(UPGRADING, platform.project))


def refuse(platform: Platform) -> None:
    """From here on what is under way goes back."""
    name = f"{_repository(platform)}:{tag(UPGRADING, platform.project)}"
    engine.api().tag(name, _repository(platform), tag(REFUSED, platform.project))


def end(platform: Platform) -> None:
    """The upgrade is over, one way or the other."""
    _untag(f"{_repository(platform)}:{tag(UPGRADING, platform.project)}")


def put_back(platform: Platform, *, again: bool) -> None:
    """Put database and settings back, while no hub runs.

    With `again`, after one that was interrupted, only what was not put back: a hub may have run
    since, and what people did in it stays.
    """
    _run(platform, "again" if again else "back")


def lost(platform: Platform) -> dict[str, Any]:
    """What going back would lose, and when what was kept and of which images."""
    with suppress(ActionError):  # of a database that is away one knows what was copied last
        copy(platform)
    return dict(_run(platform, "lost"))


def forget(project: str) -> None:
    """Take all tags of a platform away whose data are deleted."""
    for kind in (BEFORE, UPGRADING, REFUSED):
        _untag(*_references(tag(kind, project)))


def _repository(platform: Platform) -> str:
    return platform.images[HUB].rpartition(":")[0]


def _references(name: str) -> list[str]:
    return [
        reference
        for one in engine.api().images()
        for reference in one["RepoTags"] or ()
        if reference.endswith(f":{name}")
    ]


def _untag(*references: str) -> None:
    for reference in references:
        with suppress(ImageNotFound):
            engine.api().remove_image(reference, force=True)  # also the last name of what runs


def _run(platform: Platform, what: str, *given: str) -> Any:
    """Have `before_files` do something; what it prints."""
    name, project = f"{platform.project}-before", platform.project
    containers.remove(name)  # of a call that was killed: two at once would disturb another
    labels = {
        f"{LABEL}.platform": project,
        "com.docker.compose.project": project,
        "com.docker.compose.volume": "jupyterhub_before",  # so it is nobody's home, in no backup
    }
    engine.api().create_volume(name, labels=labels)
    program = Path(before_files.__file__).read_text("utf-8")
    postgres = platform.hub_environment.get(DB_URL)
    file = before_files.POSTGRES if postgres else before_files.DATABASE
    ended = containers.thrown_away(
        platform,
        HUB,
        ["-I", "-c", program, what, DATA, HERE, file, *given],
        name=name,
        network_mode="none",
        entrypoint=PYTHON,
        volumes={
            volume: {"bind": place, "mode": "rw"}
            for volume, place in ((platform.data_volume, DATA), (name, HERE))
        },
    )
    return json.loads(ended.require(lines=1))
