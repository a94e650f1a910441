"""What of a platform is in the engine: its services, people's servers, its volumes."""

import contextlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from docker.errors import APIError, ContainerError, NotFound
from docker.types import LogConfig

from jhub_docker import engine
from jhub_docker.build import images
from jhub_docker.build.labels import origin
from jhub_docker.catalog.identity import LABEL
from jhub_docker.platform import compose
from jhub_docker.platform.compose import Platform
from jhub_docker.process import Ended

PLATFORM = f"{LABEL}.platform"
"""The label that says which platform something belongs to."""

PREFIXES = {
    "JHUB_USER_VOLUME_PREFIX": "jupyterhub-user-",
    "JHUB_SHARED_VOLUME_PREFIX": "jupyterhub-shared-",
}
"""How the names of homes and of folders begin: the hub's settings, and what it takes for none."""

READABLE = LogConfig(type=LogConfig.types.JSON)
"""How a container logs whose output is read: of another driver of the engine's, such as `local`,
docker-py gives none (7.1, models/containers.py, run)."""

SERVER = "server"
"""Role of a container a person works in; the other roles are Compose's services."""


def status(platform: Platform) -> list[dict[str, str]]:
    """The platform's services, then people's servers."""
    order = [*platform.services, SERVER]
    digests = {image.image_id: image.digests for image in images.released(images.here())}
    rows = [
        {
            "container": name(container),
            "role": role(container),
            "state": container["Status"],
            "image": container["Image"],
            # A container has its image's labels beside its own.
            "origin": origin(container["Labels"], digests.get(container["ImageID"], ())),
            "started": time.strftime("%Y-%m-%d %H:%M", time.localtime(container["Created"])),
        }
        for container in labelled(f"{PLATFORM}={platform.project}")
        if role(container) in order
    ]
    return sorted(rows, key=lambda row: (order.index(row["role"]), row["container"]))


def servers(platform: Platform) -> list[dict[str, Any]]:
    """The containers people work in, running or not."""
    found = labelled(f"{PLATFORM}={platform.project}")
    return [container for container in found if role(container) == SERVER]


def volumes(platform: Platform) -> list[str]:
    """Names of all volumes of the platform, people's homes among them.

    One that its services use and that nobody labelled, such as one made by hand, is its own too.
    The key of the backups is not: without it they could never be read again.
    """
    used = _used(platform)
    return sorted(
        name
        for name, said in volume_labels().items()
        if said.get(PLATFORM, platform.project if name in used else "") == platform.project
        and (PLATFORM in said or f"{LABEL}.backup" not in said)
    )


def volumes_of_others(platform: Platform) -> dict[str, str]:
    """Volumes that its services use and that another platform made, with whose each is."""
    return {
        name: said[PLATFORM]
        for name, said in sorted(volume_labels().items())
        if name in _used(platform) and said.get(PLATFORM, platform.project) != platform.project
    }


def used_elsewhere(platform: Platform) -> dict[str, str]:
    """Volumes and networks of its services that another platform runs with, with its name."""
    project = "com.docker.compose.project"
    wanted = _used(platform).union(*(platform.networks.get(one, ()) for one in platform.services))
    return {
        name: str(one["Labels"][project])
        for one in engine.api().containers(filters={"label": [project, PLATFORM]})
        if one["Labels"][project] != platform.project
        for name in (
            *one["NetworkSettings"]["Networks"],
            *(mount.get("Name") for mount in one["Mounts"]),
        )
        if name in wanted
    }


def _used(platform: Platform) -> set[str]:
    mounts = (platform.volumes.get(one, {}) for one in platform.services)
    return {name for some in mounts for name in some.values()}


def volume_labels(*wanted: str) -> dict[str, dict[str, str]]:
    """The engine's volumes that have these labels, and all that each has."""
    found = engine.api().volumes(filters={"label": [*wanted]})["Volumes"] or ()
    return {volume["Name"]: volume["Labels"] or {} for volume in found}


def has_volume(name: str) -> bool:
    """Whether the engine has a volume of this name."""
    return bool(engine.api().volumes(filters={"name": f"^{name}$"})["Volumes"])


def thrown_away(platform: Platform, service: str, command: Sequence[str], **options: Any) -> Ended:
    """Run a service's image with a command in a container of its own that is removed; how it ended.

    It has the platform's label, so that one of a call that was killed can be found.
    """
    options = {"labels": {PLATFORM: platform.project}, **options}
    image = platform.images[service]
    try:
        said: bytes = engine.client().containers.run(
            image, command, log_config=READABLE, remove=True, **options
        )
    except ContainerError as error:
        return Ended(error.exit_status, err=error.stderr.decode(errors="replace"))
    return Ended(0, said)


def inspected(platform: Platform, *services: str) -> list[dict[str, Any]]:
    """All that the engine says of the services' containers; of all services by default."""
    found = []
    for container in of_service(platform, *(services or platform.services)):
        with contextlib.suppress(NotFound):  # removed meanwhile
            found.append(engine.api().inspect_container(container["Id"]))
    return found


def first(platform: Platform, service: str) -> dict[str, Any] | None:
    """The container of a service as inspected, running or not; None where there is none of use."""
    there = (one for one in inspected(platform, service) if not is_left_over(one))
    return next(there, None)


def of_service(platform: Platform, *services: str) -> list[dict[str, Any]]:
    """The containers of some of Compose's services, running or not."""
    found = labelled(f"com.docker.compose.project={platform.project}")
    return [container for container in found if role(container) in services]


def runs(platform: Platform, *services: str) -> bool:
    """Whether a container of one of these services runs."""
    return any(one["State"] == "running" for one in of_service(platform, *services))


def service(container: Mapping[str, Any]) -> str:
    """Which of Compose's services an inspected container is."""
    return str(container["Config"]["Labels"]["com.docker.compose.service"])


def is_left_over(container: Mapping[str, Any]) -> bool:
    """Whether a start that was interrupted left this container, which no start will ever use.

    Compose makes a new container under a name of its own before it removes the old one and
    renames the new (its convergence.go, 2.26), and starts it last.
    """
    labels = container["Config"]["Labels"]
    name = "-".join(
        labels.get(f"com.docker.compose.{part}", "")
        for part in ("project", "service", "container-number")
    )
    unused = container["State"]["Status"] == "created" or container["Name"] != f"/{name}"
    return unused and not container["State"]["Running"]


def published(container: Mapping[str, Any]) -> set[tuple[str, str, str]]:
    """What an inspected container publishes: port in it, address and port on the host."""
    bound = container["HostConfig"].get("PortBindings") or {}
    return {
        (inner, _any(outer.get("HostIp", "")), str(outer.get("HostPort", "")))
        for inner, outers in bound.items()
        for outer in outers or ()
    }


def to_publish(platform: Platform, service: str) -> set[tuple[str, str, str]]:
    """What a service's container should publish."""
    return {(inner, _any(ip), port) for inner, ip, port in platform.ports.get(service, ())}


def are_open(
    platform: Platform, services: Iterable[str], there: Iterable[Mapping[str, Any]]
) -> bool:
    """Whether each of the services runs, and is found where it should be published. Pure.

    From the engine's machine it is, be it published there alone or everywhere.
    """

    def seen(ports: set[tuple[str, str, str]]) -> set[tuple[str, str, str]]:
        here = ("0.0.0.0", *compose.LOOPBACK)  # noqa: S104 - what is read, not bound
        return {(inner, "" if ip in here else ip, port) for inner, ip, port in ports}

    running = {service(one): seen(published(one)) for one in there if one["State"]["Running"]}
    return all(running.get(one) == seen(to_publish(platform, one)) for one in services)


def labelled(label: str) -> list[dict[str, Any]]:
    """All containers with this label."""
    found: list[dict[str, Any]] = engine.api().containers(all=True, filters={"label": label})
    return found


def remove(container: str, *, stop: bool = False) -> None:
    """Remove a container, given its own time to end with `stop`."""
    if stop:
        unless_gone(engine.api().stop, container)
    unless_gone(engine.api().remove_container, container, force=True)


def clear(*labels: str, stop: bool = False) -> list[str]:
    """Remove all containers and networks that have these labels; what they were."""
    wanted, gone = {"label": [*labels]}, []
    for one in engine.api().containers(all=True, filters=wanted):
        remove(one["Id"], stop=stop)
        gone.append(f"the container {name(one)}")
    for one in engine.api().networks(filters=wanted):
        with contextlib.suppress(APIError):  # what is in the way of removing it, that says
            for guest in engine.api().inspect_network(one["Id"])["Containers"] or ():
                engine.api().disconnect_container_from_network(guest, one["Id"], force=True)
        unless_gone(engine.api().remove_network, one["Id"])
        gone.append(f"the network {one['Name']}")
    return gone


def unless_gone(action: Callable[..., object], *arguments: Any, **options: Any) -> None:
    """Do something to what may be gone by now, or on its way."""
    try:
        action(*arguments, **options)
    except NotFound:
        pass
    except APIError as error:
        if error.status_code != HTTPStatus.CONFLICT:  # being removed already
            raise


def name(container: Mapping[str, Any]) -> str:
    """A listed container's name."""
    return str(container["Names"][0]).lstrip("/")


def _any(ip: str) -> str:
    return ip if ip not in ("", "::") else "0.0.0.0"  # noqa: S104 - what is read, not bound


def offered() -> set[str]:
    """The tags of the images that the engine's hubs offer to people; none need have a container."""
    said = set()
    for one in labelled(f"com.docker.compose.service={compose.HUB}"):
        with contextlib.suppress(NotFound):  # removed meanwhile
            hub = engine.api().inspect_container(one["Id"])
            said.add(variables(hub).get("JHUB_IMAGE_TAG", "latest"))
    return said


def variables(record: Mapping[str, Any]) -> dict[str, str]:
    """The environment of a container, as inspected."""
    return dict(one.partition("=")[::2] for one in record["Config"]["Env"] or ())


def role(container: Mapping[str, Any]) -> str:
    """What a listed container is: a server, one of Compose's services, or neither."""
    labels: Mapping[str, str] = container["Labels"]
    if f"{LABEL}.user" in labels:
        return SERVER
    if labels.get("com.docker.compose.oneoff") == "True":
        return ""  # a command that was run beside the service, in a container of its own
    return labels.get("com.docker.compose.service", "")
