"""Narrows lists down to this platform's objects, by the `filters` that the engine offers."""

import json

from engine_filter.bodies import texts
from engine_filter.policy import PLATFORM, Policy
from engine_filter.refusal import Refused
from hub_config.spawning.images.labels import PROFILES_LABEL


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
