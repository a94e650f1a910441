"""Rules for calls about volumes: homes and shared folders, on the engine's own storage."""

from engine_filter import ownership
from engine_filter.bodies import fields, one_of, table, text
from engine_filter.calls import Call, Forward, Refused
from engine_filter.ownership import only_own
from engine_filter.policy import PLATFORM
from hub_config.names import FOLDER, HOME

_FIELDS = {"Name": text, "Driver": one_of("local"), "Labels": table}


async def create(call: Call) -> Forward:
    """POST /volumes/create. Driver options are not on the list: they can mount anything."""
    body = fields(call.body, _FIELDS, "")
    name, labels = body.get("Name", ""), body.get("Labels", {})
    folder = call.policy.shared_folder(name)
    if folder is None:
        _check_name(call, name)
        ownership.require_own_labels(labels, call.policy)
    else:
        # A group's own has a word besides, by which the hub knows it again.
        word = {HOME: labels[HOME]} if HOME in labels else {}
        if labels != {PLATFORM: call.policy.settings.platform, FOLDER: folder, **word}:
            raise Refused(f"volume {name} has to be labelled with platform and folder alone")
    return Forward(call.path, {}, body)


async def on_own(call: Call) -> Forward:
    """A call about one home volume or shared folder of this platform."""
    is_shared = call.policy.shared_folder(call.name) is not None
    if not is_shared:
        _check_name(call, call.name)
    record = await call.engine.one("volumes", call.name)
    if not is_shared:
        ownership.require_persons(record, call.policy, f"volume {call.name}")
    elif ownership.labels(record).get(PLATFORM) != call.policy.settings.platform:
        raise Refused(f"volume {call.name} is of another platform")
    return Forward(call.path, call.query)


async def list_own(call: Call) -> Forward:
    """GET /volumes, narrowed down to this platform's."""
    return Forward(call.path, only_own(call.query, call.policy))


def _check_name(call: Call, name: str) -> None:
    if not call.policy.volume_name.fullmatch(name):
        raise Refused(f"{name[:100]!r} is not the name of a home volume")
