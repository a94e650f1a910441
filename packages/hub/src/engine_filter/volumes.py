"""Rules for calls about volumes: people's homes, on the engine's own storage."""

from engine_filter import ownership
from engine_filter.bodies import fields, one_of, table, text
from engine_filter.calls import Call, Forward
from engine_filter.listing import only_own
from engine_filter.refusal import Refused

_FIELDS = {"Name": text, "Driver": one_of("local"), "Labels": table}


async def create(call: Call) -> Forward:
    """POST /volumes/create. Driver options are not on the list: they can mount anything."""
    body = fields(call.body, _FIELDS, "")
    _check_name(call, body.get("Name", ""))
    ownership.require_own_labels(body.get("Labels", {}), call.policy)
    return Forward(call.path, {}, body)


async def on_own(call: Call) -> Forward:
    """A call about one home volume of this platform."""
    _check_name(call, call.name)
    record = await call.engine.volume(call.name)
    ownership.require_persons(record, call.policy, f"volume {call.name}")
    return Forward(call.path, call.query)


async def list_own(call: Call) -> Forward:
    """GET /volumes, narrowed down to this platform's."""
    return Forward(call.path, only_own(call.query, call.policy))


def _check_name(call: Call, name: str) -> None:
    if not call.policy.volume_name.fullmatch(name):
        raise Refused(f"{name[:100]!r} is not the name of a home volume")
