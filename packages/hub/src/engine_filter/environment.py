"""Which variables a new container may have: those the hub sets, and names groups may use. Pure.

A start as root, its health check and tini run with them before anything drops to the person, so
this is a list of what may be, as everywhere in the filter. What a group may set is the operator's
`JHUB_GROUP_VARIABLES`, without the names that decide which code a program runs.
"""

from collections.abc import Iterable

from engine_filter.calls import Refused
from hub_config import variables
from hub_config.offer.profiles import Profile
from hub_config.settings import Settings
from hub_config.spawning import options


def checked(given: Iterable[str], profile: Profile, settings: Settings) -> list[str]:
    """The variables to pass on. Raises Refused for one that may not be, or not with its value."""
    settled = options.environment(profile, settings)
    kept: dict[str, str] = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals:  # it would take a variable of the image away
            raise Refused(f"Env: {name[:100]!r} has no value")
        if name in kept:
            raise Refused(f"Env: {name[:100]} comes twice")
        if name in settled:
            if value != settled[name]:
                raise Refused(f"Env: {name} has to be {settled[name]} for {profile.key}")
        elif name not in variables.OF_THE_HUB and not variables.permitted(
            name, settings.group_variables
        ):
            raise Refused(f"Env: {name[:100]!r} may not be set")
        kept[name] = value
    return [f"{name}={value}" for name, value in kept.items()]
