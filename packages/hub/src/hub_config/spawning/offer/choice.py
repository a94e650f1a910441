"""Which profile a request's options mean: exactly one that is on offer, or a refusal. Pure.

Options come from a form, a link or the API, so they can be anything that JSON can hold.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from hub_config.spawning.images.compatibility import LeftOut
from hub_config.spawning.offer.profiles import Profile
from hub_config.spawning.refusal import Refusal

NOTHING_TO_OFFER = (
    "There is no image to start a server from. An administrator can build them with "
    "`./dev invoke build`; they appear here within seconds."
)

NOTHING_GOES_WITH_THIS_HUB = (
    "No image here goes with this hub. An administrator finds the reasons on the page Admin."
)

_SHOWN = 60
"""Characters of a wrong option that an answer repeats."""


def choose(options: Any, offer: Sequence[Profile], left_out: Sequence[LeftOut] = ()) -> Profile:
    """The profile that `options` name.

    Raises Refusal 503 when nothing is on offer or the profile is left out since its image does not
    go with the hub, and 400 for anything but `{"profile": KEY}`.
    """
    if not offer and not left_out:
        raise Refusal(NOTHING_TO_OFFER, reason="no-profiles", status_code=503)
    if not isinstance(options, Mapping):
        raise Refusal("Options are an object with the key `profile`.", reason="options")
    if unknown := [key for key in options if key != "profile"]:
        named = shown(", ".join(str(key) for key in unknown[:3]))
        raise Refusal(f"The only option is `profile`, not {named}.", reason="options")
    known = {profile.key: profile for profile in offer}
    wanted = options.get("profile")
    if isinstance(wanted, str) and wanted in known:
        return known[wanted]
    for one in left_out:
        if one.key == wanted:
            raise Refusal(one.for_person, reason="jupyterhub", status_code=503)
    if not offer:
        raise Refusal(NOTHING_GOES_WITH_THIS_HUB, reason="no-profiles", status_code=503)
    what = "There is no such profile" if wanted else "No profile was chosen"
    raise Refusal(f"{what}. There are {in_words(offer)}.", reason="profile")


def in_words(offer: Sequence[Profile]) -> str:
    """What is on offer as people know it, such as `JupyterLab and marimo, each small or large`."""
    sizes: dict[str, list[str]] = {}
    for profile in offer:
        sizes.setdefault(profile.image_title, []).append(profile.size)
    ways = list(sizes.values())
    if any(way != ways[0] for way in ways):
        return "; ".join(f"{title}, {_listed(way, 'or')}" for title, way in sizes.items())
    each = "each " if len(ways) > 1 else ""
    return f"{_listed(list(sizes), 'and')}, {each}{_listed(ways[0], 'or')}"


def _listed(words: Sequence[str], last: str) -> str:
    if len(words) == 1:
        return words[0]
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def form_options(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Options from a form's or a link's fields: lists of texts, and of files for uploads.

    JupyterHub saves options as JSON before they are judged, so what is no text is refused here.
    """
    options = {}
    for key, values in fields.items():
        if key == "_xsrf":
            continue
        if not (isinstance(values, list) and all(isinstance(value, str) for value in values)):
            raise Refusal(f"The field {shown(key)} is no text.", reason="options")
        options[key] = values[0] if len(values) == 1 else values
    return options


def shown(text: str) -> str:
    """What a stranger sent, short and harmless enough to be repeated."""
    return ascii(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")
