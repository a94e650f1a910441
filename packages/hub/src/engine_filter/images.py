"""Rules for calls about images: to look at those the platform offers."""

from engine_filter import ownership
from engine_filter.calls import Answer, Call, Forward
from engine_filter.listing import only_offers
from engine_filter.refusal import Refused
from hub_config.spawning.profiles import PROFILES_LABEL


async def list_offers(call: Call) -> Forward:
    """GET /images/json, narrowed down to images with profiles."""
    return Forward(call.path, only_offers(call.query))


async def inspect(call: Call) -> Answer:
    """GET /images/{name}/json."""
    record = await call.engine.image(call.name)
    if PROFILES_LABEL not in ownership.labels(record):
        raise Refused(f"image {call.name[:200]} is none the platform offers")
    return Answer(record)
