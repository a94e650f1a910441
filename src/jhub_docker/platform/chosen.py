"""What a platform runs where the person who starts it has not said so.

Two checkouts may share an engine, and `latest` is whatever was built last. So a platform takes the
images of its own checkout, by a tag that only that one moves.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jhub_docker.build import bases, marks
from jhub_docker.catalog import identity, load
from jhub_docker.catalog.identity import LABEL
from jhub_docker.engine import quick
from jhub_docker.engine.address import address, is_default, socket_path
from jhub_docker.engine.lock import locked
from jhub_docker.platform import before, compose, containers, public_images
from jhub_docker.platform.compose import HUB, PROXY, Platform


def read(root: Path, *, tag: str = "", again: bool = False) -> Platform:
    """The platform of this checkout, with what was chosen for it.

    An upgrade that went back is not chosen, but `again`; `tag` says which images without a choice.
    """
    variables = dict[str, str]()
    said = compose.variables_of(root)
    if "JHUB_DOCKER_SOCKET" not in said and (path := engine_socket()):
        variables["JHUB_DOCKER_SOCKET"] = path
    if "JHUB_IMAGE_TAG" not in said:
        own = marks.checkout_tag(root) + bases.lane_suffix()
        if quick.image(f"{load(root / 'packages')[HUB].repository}:{own}"):
            variables["JHUB_IMAGE_TAG"] = own
    if tag:
        variables["JHUB_IMAGE_TAG"] = tag
    platform = compose.read(root, variables)
    if not tag and not again and before.stays(platform):
        variables["JHUB_IMAGE_TAG"] = before.tag(before.BEFORE, platform.project)
        platform = compose.read(root, variables)
    variables |= public_images.chosen(platform)
    if "JHUB_PROXY_IMAGE" not in said and (wanted := quick.image(platform.images[PROXY])):
        running = containers.first(platform, PROXY)
        variables["JHUB_PROXY_IMAGE"] = proxy_image(platform.images[PROXY], wanted, running)
    return platform if variables == platform.variables else compose.read(root, variables)


@contextmanager
def held(root: Path) -> Iterator[Platform]:
    """The platform of this checkout, which nobody else changes meanwhile."""
    with locked(compose.read(root).project):
        yield read(root)


def proxy_image(
    reference: str,
    wanted: Mapping[str, Any],
    running: Mapping[str, Any] | None,
    look: Callable[[str], Mapping[str, Any] | None] = quick.image,
) -> str:
    """What to call the proxy's image, so that one that runs from it already is left alone.

    Compose goes by the name: another one would end everybody's connections for nothing. Otherwise
    it is the build id, which never means another image.
    """
    if running and running["Image"] == wanted["Id"]:
        name = str(running["Config"]["Image"])
        if (found := look(name)) and found["Id"] == wanted["Id"]:
            return name
    build_id = identity.short((wanted["Config"].get("Labels") or {}).get(f"{LABEL}.build-id", ""))
    own = f"{reference.rpartition(':')[0]}:{build_id}"
    return own if own in (wanted.get("RepoTags") or ()) else reference


def names(project: str) -> dict[str, str]:
    """What has to be a platform's own beside others of the engine, but for its port."""
    return {
        "JHUB_PLATFORM": project,
        "JHUB_NETWORK": f"{project}-net",
        "JHUB_DATA_VOLUME": f"{project}-data",
        "JHUB_PROXY_VOLUME": f"{project}-proxy",
        "JHUB_BACKUP_VOLUME": f"{project}-backup",
        "JHUB_CONTAINER_PREFIX": project,
        "JHUB_USER_VOLUME_PREFIX": f"{project}-home-",
        "JHUB_SHARED_VOLUME_PREFIX": f"{project}-shared-",
    }


def engine_socket() -> str | None:
    """The engine's socket where it is not at the default place: rootless, or a second engine.

    Docker Desktop's engine is in a machine of its own, where the default place is right.
    """
    path = socket_path(address())
    if path is None or is_default(address()):
        return None
    name = str(((quick.server() or {}).get("Platform") or {}).get("Name", ""))
    return None if name.startswith("Docker Desktop") else path
