"""Whether a hub goes with the JupyterHub in an image: it is JupyterHub's own rule, the same major
version (6.1, _version.py, `_check_version`). It only logs that, after the start; here such an image
is not offered, nor is one that is not here and will not be fetched. Pure.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from hub_config.offer.profiles import JUPYTERHUB_LABEL, Profile
from hub_config.settings import Settings


@dataclass(frozen=True)
class LeftOut:
    """A profile that is not offered, and why."""

    key: str
    title: str
    image: str
    why: str

    @property
    def for_person(self) -> str:
        """What somebody reads who chose it, as when it was on offer last week."""
        return (
            f"{self.title} cannot be started: its image {self.why}. "
            "An administrator has to build or pull one that goes with this hub."
        )

    @property
    def for_admin(self) -> str:
        """The same for whoever can change it."""
        return f"{self.title} ({self.key}) is not offered: image {self.image} {self.why}."


@dataclass(frozen=True)
class OnOffer:
    """What can be chosen, and what the images here would offer besides."""

    profiles: tuple[Profile, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


def why_not(image: str, hub: str) -> str:
    """Why an image with JupyterHub `image` does not go with hub `hub`; empty when it does.

    Goes on after "its image". One that does not say what it has is not trusted to have it.
    """
    if not image:
        return f"does not say which JupyterHub it has (label {JUPYTERHUB_LABEL})"
    if _major(image) == _major(hub) is not None:
        return ""
    return f"has JupyterHub {image[:40]}, and this hub is {hub}; both need the same first number"


NOT_HERE = "is not on this machine, and nothing is pulled (JHUB_PULL_POLICY)"


def sift(profiles: Iterable[Profile], hub: str, operator: Settings) -> OnOffer:
    """Leave out what does not go with hub version `hub`, and what is not here and never pulled."""
    pulls = operator.runtime != "docker" or operator.pull_policy != "never"
    offered, left_out = [], []
    for profile in profiles:
        missing = NOT_HERE if not (profile.here or pulls) else ""
        if why := missing or why_not(profile.jupyterhub, hub):
            left_out.append(LeftOut(profile.key, profile.title, profile.image, why))
        else:
            offered.append(profile)
    return OnOffer(tuple(offered), tuple(left_out))


def _major(version: str) -> int | None:
    found = re.match(r"v?([0-9]+)(\.|$)", version)
    return int(found[1]) if found else None
