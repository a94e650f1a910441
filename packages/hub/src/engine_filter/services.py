"""Rules for calls about a swarm's services: people's servers only, as the hub makes them.

A server is a service where servers are a swarm's, and nowhere else. What is passed on is made anew
from profile and settings, by the function that the hub uses; the hub's has to be the same.
"""

import re
from contextlib import suppress
from dataclasses import replace
from typing import Any

from engine_filter import containers, environment, mounts, networks, ownership
from engine_filter.bodies import as_it_is, fields, table, text, texts
from engine_filter.calls import Answer, Call, Forward, MissingError, Record, Refused
from engine_filter.ownership import only_own
from hub_config import names
from hub_config.groups import Mode
from hub_config.runtime import services as swarm
from hub_config.spawning import services
from hub_config.spawning.options import HOME, SHARED

_ON_NODE = re.compile(r"(.+)-[0-9a-f]{8}")


_FIELDS = {"Name": text, "Labels": table, "TaskTemplate": as_it_is, "EndpointSpec": as_it_is}
_CONTAINER = {"Image": text, "Labels": table, "Env": texts, "Args": texts}
"""What a server has of its own."""


async def create(call: Call) -> Forward:
    """POST /services/create: one server of one person, within its profile, beside its home."""
    _require_swarm(call)
    settings = call.policy.settings
    body = fields(call.body, _FIELDS, "")
    name, labels = body.get("Name", ""), body.get("Labels", {})
    if not call.policy.container_name.fullmatch(name):
        raise Refused(f"a service may not be called {name[:100]!r}")
    ownership.require_own_labels(labels, call.policy)
    if labels.get(names.NAME) != name:
        raise Refused(f"label {names.NAME} has to be the service's name")
    given = _object(body.get("TaskTemplate"), "TaskTemplate")
    spec = _object(given.get("ContainerSpec"), "TaskTemplate.ContainerSpec")
    own = {key: value for key, value in spec.items() if key in _CONTAINER}
    own = fields(own, _CONTAINER, "TaskTemplate.ContainerSpec")
    if own.get("Labels") != labels:
        raise Refused("the container's labels have to be the service's")
    image = await containers.image_of(call, own.get("Image", ""))
    profile = containers.profile_of(own["Image"], labels, image, call.policy)
    own["Env"] = environment.checked(own.get("Env", []), profile, settings)
    network = _network(given)
    if not call.policy.network_name.fullmatch(network):
        raise Refused(f"no server's network is called {network[:100]!r}")
    networks.check_servers(await call.engine.one("networks", network), labels, call, network)
    home, node = await _home(call, spec)
    wanted = services.template(
        profile,
        settings,
        container=own,
        mounts=[home, *_folders(call, spec["Mounts"]), *services.bundle(settings)],
        network=network,
        node=node,
    )
    for where, mine, theirs in (
        ("TaskTemplate.ContainerSpec", wanted["ContainerSpec"], spec),
        ("TaskTemplate", wanted | {"ContainerSpec": spec}, given),
        ("", {"EndpointSpec": services.NO_ADDRESS}, {"EndpointSpec": body.get("EndpointSpec")}),
    ):
        for field in sorted({*mine, *theirs}):
            if mine.get(field) != theirs.get(field):
                raise Refused(f"{where}.{field}"[:200] + f" is not what {profile.key} has to have")
    own["Image"] = pinned(own["Image"], image)
    wanted["ContainerSpec"] |= own
    made = {"Name": name, "Labels": labels, "TaskTemplate": wanted}
    made["EndpointSpec"] = services.NO_ADDRESS
    return Forward(call.path, {}, made, headers=("X-Registry-Auth",))


def pinned(reference: str, image: Record) -> str:
    """What every node understands as the very image that was judged: by the registry's digest, or
    by its id, which a node has or has not.
    """
    if "@" in reference:
        return reference
    repository = reference.rpartition(":")[0]
    for digest in image.get("RepoDigests") or ():
        if digest.startswith(f"{repository}@"):
            return str(digest)
    return str(image["Id"])


def _require_swarm(call: Call) -> None:
    if call.policy.settings.runtime != "swarm":
        raise Refused("services are for JHUB_RUNTIME=swarm alone")


def _object(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Refused(f"{where} is not an object")
    return value


def _network(template: dict[str, Any]) -> str:
    match template.get("Networks"):
        case [{"Target": str(name)}]:
            return name
    raise Refused("TaskTemplate.Networks has to be one server's network")


async def _home(call: Call, spec: dict[str, Any]) -> tuple[dict[str, Any], Record]:
    """The mount of the person's home and the node where it is, by the engine's record of it."""
    match spec.get("Mounts"):
        case [{"Source": str(source)}, *_]:
            pass
        case _:
            raise Refused("TaskTemplate.ContainerSpec.Mounts has to begin with the home")
    on_node = _ON_NODE.fullmatch(source)
    volume = on_node[1] if on_node else source
    record: Record = {}
    if call.policy.volume_name.fullmatch(volume):
        with suppress(MissingError):
            record = await call.engine.one("volumes", volume)
    if not record:
        raise Refused(f"there is no home {volume[:100]!r}")
    mounts.check([mounts.Bind(volume, HOME, "rw")], {volume: record}, call.policy)
    own = (await call.engine.info())["Swarm"]["NodeID"]
    node, mount = swarm.home(record, own)
    return {"Type": "volume", "Target": HOME, **mount}, await call.engine.one("nodes", node)


def _folders(call: Call, asked: list[Any]) -> list[dict[str, Any]]:
    """The shared folders among these mounts, made anew; who has which only the hub knows."""
    settings, named = call.policy.settings, dict[str, Mode]()
    for mount in asked:
        match mount:
            case {"Type": "bind", "Target": str(target), "ReadOnly": bool(read_only)}:
                name = target.removeprefix(f"{SHARED}/")
                if call.policy.shared_folder(settings.shared_volume_prefix + name) == name:
                    named[name] = "read-only" if read_only else "read-write"
    return services.folders(settings, named)


async def on_own(call: Call) -> Forward:
    """A call about one service, which has to be a person's server of this platform."""
    record = await _own(call)
    tail = call.path.removeprefix(f"/services/{call.name}")
    return Forward(f"/services/{record['ID']}{tail}", call.query)


async def logs(call: Call) -> Forward:
    """GET /services/{name}/logs, which can take as long as its machine does."""
    return replace(await on_own(call), endless=True)


async def inspect(call: Call) -> Answer:
    """GET /services/{name}."""
    return Answer(await _own(call))


async def _own(call: Call) -> Record:
    _require_swarm(call)
    record = await call.engine.one("services", call.name)
    ownership.require_persons(record["Spec"], call.policy, f"service {call.name[:100]}")
    return record


async def list_own(call: Call) -> Forward:
    """GET /services or /tasks, narrowed down to this platform's."""
    _require_swarm(call)
    return Forward(call.path, only_own(call.query, call.policy))


async def nodes(call: Call) -> Forward:
    """GET /nodes."""
    _require_swarm(call)
    return Forward(call.path)
