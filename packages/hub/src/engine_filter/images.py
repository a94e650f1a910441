"""Rules for calls about images: to look at those the platform offers, to pull where it may."""

import re

from engine_filter import ownership
from engine_filter.calls import Answer, Call, Forward, Refused
from engine_filter.ownership import only_offers
from hub_config.offer.profiles import PROFILES_LABEL


async def list_offers(call: Call) -> Forward:
    """GET /images/json, narrowed down to images with profiles."""
    return Forward(call.path, only_offers(call.query))


async def inspect(call: Call) -> Answer:
    """GET /images/{name}/json."""
    record = await call.engine.one("images", call.name)
    if PROFILES_LABEL not in ownership.labels(record):
        raise Refused(f"image {call.name[:200]} is none the platform offers")
    return Answer(record)


_COMPONENT = r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_COMPONENT}(:[0-9]+)?(/{_COMPONENT})*", re.ASCII)
"""With the registry's port; the grammar of distribution/reference, in lower case."""

_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


async def pull(call: Call) -> Forward:
    """POST /images/create: one tag or digest of a repository below the operator's prefix.

    A call without a repository would import an archive, one without a tag would get all tags.
    """
    repository, tag = call.query.get("fromImage", ""), call.query.get("tag", "")
    prefix = call.policy.settings.pull_from
    if not (prefix and repository.startswith(prefix) and _REPOSITORY.fullmatch(repository)):
        raise Refused(f"repository {repository[:200]!r} is none to pull from")
    if not (_TAG.fullmatch(tag) or _DIGEST.fullmatch(tag)):
        raise Refused(f"{tag[:100]!r} is neither a tag nor a digest")
    return Forward(
        call.path, {"fromImage": repository, "tag": tag}, endless=True, headers=("X-Registry-Auth",)
    )
