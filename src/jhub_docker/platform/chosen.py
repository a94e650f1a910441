"""What a platform runs where the person who starts it has not said so.

Two checkouts may share an engine, and `latest` is whatever was built last. So a platform takes the
images of its own checkout, by a tag that only that one moves.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from docker import DockerClient

from jhub_docker.build import bases, images, marks
from jhub_docker.catalog import identity, load
from jhub_docker.catalog.identity import LABEL
from jhub_docker.engine import quick
from jhub_docker.engine.address import address, is_default, socket_path
from jhub_docker.platform import compose, containers, public_images
from jhub_docker.platform.compose import HUB, PROXY, TLS, Platform

CADDY = "caddy"
"""The package of Caddy's public image."""


def read(client: DockerClient, root: Path) -> Platform:
    """The platform of this checkout, with what was chosen for it."""
    variables: dict[str, str] = {}
    said = compose.person_set(root)
    if "JHUB_DOCKER_SOCKET" not in said and (path := engine_socket()):
        variables["JHUB_DOCKER_SOCKET"] = path
    if "JHUB_IMAGE_TAG" not in said:
        tag = marks.checkout_tag(root) + bases.lane_suffix()
        if quick.image(f"{load(root / 'packages')[HUB].repository}:{tag}"):
            variables["JHUB_IMAGE_TAG"] = tag
    platform = compose.read(root, variables)
    if TLS in platform.services and "JHUB_TLS_IMAGE" not in said:
        running = next(iter(containers.inspected(client, platform, TLS)), None)
        if (image := caddy_image(root, running)) != platform.images[TLS]:
            variables["JHUB_TLS_IMAGE"] = image
            platform = compose.read(root, variables)
    if public := public_images.chosen(client, platform):
        variables |= public
        platform = compose.read(root, variables)
    if "JHUB_PROXY_IMAGE" not in said and (wanted := quick.image(platform.images[PROXY])):
        running = next(iter(containers.inspected(client, platform, PROXY)), None)
        reference = proxy_image(platform.images[PROXY], wanted, running)
        return compose.read(root, variables | {"JHUB_PROXY_IMAGE": reference})
    return platform


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


def packages(root: Path) -> list[str]:
    """The packages whose images a platform is started from: all published ones, Caddy's where it
    has a domain, and those of the public images that its Compose profiles need.
    """
    published = [spec.name for spec in load(root / "packages").published]
    services = compose.read(root).services
    caddy = [CADDY] * (TLS in services)
    return [*published, *caddy, *(name for name in public_images.VARIABLES if name in services)]


def caddy_image(root: Path, running: Mapping[str, Any] | None) -> str:
    """What speaks TLS: the public image where the engine has it, or else the stand-in built last.

    What runs from the same image keeps the name it has, so that it is not started anew.
    """
    spec = load(root / "packages")[CADDY]
    public = bases.public_reference(spec, bases.lane()) or ""
    if quick.image(public):
        return public
    made = [one for one in images.built(images.here()).values() if one.package == CADDY]
    if not made:
        return public
    newest = max(made, key=lambda one: one.created)
    if running and running["Image"] == newest.image_id:
        return str(running["Config"]["Image"])
    return min(newest.tags)


def engine_socket() -> str | None:
    """The engine's socket where it is not at the default place: rootless, or a second engine.

    Docker Desktop's engine is in a machine of its own, where the default place is right.
    """
    path = socket_path(address())
    if path is None or is_default(address()):
        return None
    name = str(((quick.server() or {}).get("Platform") or {}).get("Name", ""))
    return None if name.startswith("Docker Desktop") else path
