"""Whose an object is, by the labels the engine keeps for it, and lists of this platform's. Pure."""

import json
from collections.abc import Mapping

from engine_filter.bodies import texts
from engine_filter.calls import Record, Refused
from engine_filter.policy import PLATFORM, USER, Policy
from hub_config.names import LABEL
from hub_config.offer.profiles import PROFILES_LABEL

SERVICES = {"hub": "hub", "standby": "hub", "proxy": "proxy"}
"""Compose services that are attached to people's networks, and as what."""

_SERVICE = "com.docker.compose.service"


def labels(record: Record) -> Mapping[str, str]:
    """An object's labels: a container's are in its Config, other objects' beside their names."""
    holder = record.get("Config") or record
    return holder.get("Labels") or {}


def service(record: Record, policy: Policy) -> str:
    """Which service of this platform a container is, hub or proxy; empty for any other."""
    found = labels(record)
    if found.get(PLATFORM) != policy.settings.platform or USER in found:
        return ""
    return SERVICES.get(found.get(_SERVICE, ""), "")


def require_persons(record: Record, policy: Policy, what: str) -> None:
    """Raises Refused for an object that was not made for a person of this platform."""
    found = labels(record)
    if found.get(PLATFORM) != policy.settings.platform or not found.get(USER):
        raise Refused(f"{what} is not of a person of platform {policy.settings.platform}")


def require_own_labels(given: Mapping[str, str], policy: Policy) -> None:
    """Raises Refused unless labels for a new object name platform and person, and are our own."""
    if foreign := sorted(name for name in given if not name.startswith(f"{LABEL}.")):
        raise Refused(f"label {foreign[0][:100]} is not one of this platform's")
    if given.get(PLATFORM) != policy.settings.platform:
        raise Refused(f"label {PLATFORM} has to be {policy.settings.platform}")
    if not given.get(USER):
        raise Refused(f"label {USER} has to name a person")


def only_own(query: dict[str, str], policy: Policy) -> dict[str, str]:
    """The query with one more condition: the platform's label."""
    return _with_label(query, f"{PLATFORM}={policy.settings.platform}")


def only_offers(query: dict[str, str]) -> dict[str, str]:
    """The query with one more condition: the label that makes an image one to offer."""
    return _with_label(query, PROFILES_LABEL)


def _with_label(query: dict[str, str], label: str) -> dict[str, str]:
    filters = _filters(query.get("filters", ""))
    filters["label"] = [*filters.get("label", []), label]
    return query | {"filters": json.dumps(filters)}


def _filters(raw: str) -> dict[str, list[str]]:
    """Filters as the engine's API documents them: an object of lists of strings."""
    try:
        found = json.loads(raw or "{}")
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Refused("filters is not an object of lists")
    return {name: texts(values, f"filters.{name[:50]}") for name, values in found.items()}
