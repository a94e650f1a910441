"""Rules for calls about containers: people's servers only, new ones only as the hub makes them."""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from engine_filter import bodies, environment, mounts, networks, ownership
from engine_filter.calls import Answer, Call, Forward, MissingError, Record, Refused
from engine_filter.host_config import host_config
from engine_filter.ownership import only_own
from engine_filter.policy import PROFILE, Policy
from hub_config import names
from hub_config.offer.profiles import Profile, bounded, of_image
from hub_config.settings import Settings, gpus
from hub_config.spawning.options import HEALTH_EVERY, starts_as_root, storage_opt

_REFERENCE = re.compile(
    r"[a-z0-9]+([._/:-]+[a-z0-9]+)*(:\w[\w.-]{0,127}|@sha256:[0-9a-f]{64})", re.ASCII
)


async def create(call: Call) -> Forward:
    """POST /containers/create: one server of one person, within its profile."""
    name = call.query.get("name", "")
    if not call.policy.container_name.fullmatch(name):
        raise Refused(f"a container may not be called {name[:100]!r}")
    body = bodies.fields(call.body, _FIELDS, "")
    ownership.require_own_labels(body.get("Labels", {}), call.policy)
    reference = body.get("Image", "")
    profile = profile_of(reference, body["Labels"], await image_of(call, reference), call.policy)
    settings = call.policy.settings
    profile = _with_devices(profile, body["Labels"], settings)
    if body.get("User") and not starts_as_root(profile, settings):
        raise Refused(f"User has to be left out for {profile.key}")
    body["Env"] = environment.checked(body.get("Env", []), profile, settings)
    storage = await _storage(call)
    body["HostConfig"] = host_config(body.get("HostConfig"), profile, settings, storage)
    await _check_mounts(call, body)
    await _check_network(call, body)
    return Forward(call.path, {"name": name}, body)


def _empty_objects(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict) or any(value.values()):
        raise Refused(f"{where} is not a set of names")
    return {bodies.text(name, where): {} for name in value}


_FIELDS = {
    "Image": bodies.text,
    "Cmd": bodies.text_or_texts,
    "Env": bodies.texts,
    "Labels": bodies.table,
    # Anyone the image knows by name could be meant; root is who the start script begins as.
    "User": bodies.one_of("root"),
    "ExposedPorts": _empty_objects,
    "Volumes": _empty_objects,
    "AttachStdout": bodies.yes,
    "AttachStderr": bodies.yes,
    "StopTimeout": bodies.number(0, 600),
    # How often; what is run stays the image's.
    "Healthcheck": lambda value, where: bodies.fields(
        value, {"Interval": bodies.one_of(HEALTH_EVERY)}, where
    ),
    # Taken apart by rules of their own.
    "HostConfig": bodies.as_it_is,
    "NetworkingConfig": bodies.as_it_is,
}


async def image_of(call: Call, reference: str) -> Record:
    """The image as the engine knows it: one with the tag that is offered, or of the registry."""
    policy = call.policy
    if not _REFERENCE.fullmatch(reference):
        raise Refused(f"Image {reference[:200]!r} is neither repository:tag nor repository@digest")
    pulled = bool(policy.settings.pull_from) and reference.startswith(policy.settings.pull_from)
    if not (pulled or reference.endswith(f":{policy.settings.image_tag}")):
        raise Refused(f"image {reference[:200]} has not the tag {policy.settings.image_tag}")
    return await call.engine.one("images", reference)


def profile_of(reference: str, given: Mapping[str, str], image: Record, policy: Policy) -> Profile:
    """The profile the labels name; the image has to offer it."""
    key = given.get(PROFILE, "")
    for profile in of_image(reference, ownership.labels(image)):
        if profile.key == key:
            # No more than the operator lets one server have, whatever the image says.
            return bounded(profile, policy.settings)
    raise Refused(f"image {reference[:200]} does not offer profile {key[:100]!r}")


def _with_devices(profile: Profile, labels: Mapping[str, str], settings: Settings) -> Profile:
    """The profile with the devices that the labels name: as many and of the kind it asks for, of
    those the operator lists. The label has to be true, since by it others find what is taken.
    """
    given = names.devices(labels)
    if wrong := gpus.complaint(profile.gpus, given, gpus.entries(settings.gpu_devices)):
        raise Refused(f"label {names.DEVICES} has to name {wrong} for {profile.key}")
    return replace(profile, devices=given)


async def _storage(call: Call) -> dict[str, str]:
    """The StorageOpt a container has to have here; the engine is asked only where it matters."""
    limit = call.policy.settings.disk_limit_gb
    return storage_opt(limit, await call.engine.info()) if limit else {}


async def _check_mounts(call: Call, body: dict[str, Any]) -> None:
    binds = mounts.parse(body["HostConfig"].get("Binds", []))
    volumes = {}
    for bind in binds:
        known = call.policy.volume_name.fullmatch(bind.source)
        if bind.is_volume and (known or call.policy.shared_folder(bind.source)):
            with suppress(MissingError):  # then the engine makes it
                volumes[bind.source] = await call.engine.one("volumes", bind.source)
    mounts.check(binds, volumes, call.policy)
    if extra := sorted(set(body.get("Volumes", {})) - {bind.target for bind in binds}):
        raise Refused(f"Volumes: nothing is mounted at {extra[0][:200]}")


async def _check_network(call: Call, body: dict[str, Any]) -> None:
    """The network has to be the one that was made for this server, at the server's place on it."""
    name = body["HostConfig"]["NetworkMode"]
    if not call.policy.network_name.fullmatch(name):
        raise Refused(f"HostConfig.NetworkMode may not be {name[:100]}")
    record = await call.engine.one("networks", name)
    subnet = networks.check_servers(record, body["Labels"], call, name)
    given = body.get("NetworkingConfig")
    where = "NetworkingConfig.EndpointsConfig"
    ends = bodies.fields(given, {"EndpointsConfig": bodies.as_it_is}, "NetworkingConfig")
    places = bodies.fields(
        ends.get("EndpointsConfig"),
        {name: lambda value, path: networks.endpoint(value, subnet.server, [], path)},
        where,
    )
    if name not in places:
        raise Refused(f"{where} has to hold {name}")
    body["NetworkingConfig"] = {"EndpointsConfig": places}


async def on_own(call: Call) -> Forward:
    """A call about one container, which has to be a person's server of this platform.

    It is passed on with the container's id: a name could belong to another one a moment later.
    """
    record, tail = await _own(call), call.path.removeprefix(f"/containers/{call.name}")
    return Forward(f"/containers/{record['Id']}{tail}", call.query)


async def endless_on_own(call: Call) -> Forward:
    """As `on_own`, for answers that can take as long as the container lives."""
    return replace(await on_own(call), endless=True)


async def usage(call: Call) -> Forward:
    """GET /containers/{name}/stats: one look, whatever is asked; the engine's own never ends."""
    return replace(await on_own(call), query={"stream": "false", "one-shot": "true"})


async def inspect(call: Call) -> Answer:
    """GET /containers/{name}/json."""
    return Answer(await _own(call))


async def _own(call: Call) -> Record:
    record = await call.engine.one("containers", call.name)
    ownership.require_persons(record, call.policy, f"container {call.name[:100]}")
    return record


async def list_own(call: Call) -> Forward:
    """GET /containers/json, narrowed down to this platform's."""
    return Forward(call.path, only_own(call.query, call.policy))
