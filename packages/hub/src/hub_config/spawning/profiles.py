"""Profiles: read from the labels of images, so that the hub has no list of its own.

Pure: image records in, profiles out. Asking the engine is in `image_source`.
"""

import json
import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hub_config.spawning.declared_images import DeclaredImage

PROFILES_LABEL = "io.jhub-docker.profiles"
"""Written by the build; see `declared_labels` in the library's plan.py."""

_UNITS = {"K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Profile:
    """One choice on the form: an image and a size, with what the size allows.

    `memory` is in bytes; `cpu_limit` and `cpu_guarantee` are numbers of CPUs, None: no limit.
    An image that was `declared` may be pulled; `here` is whether the engine has it.
    """

    key: str
    size: str
    image: str
    image_title: str
    description: str
    port: int
    default_url: str
    memory: int
    cpu_limit: float | None = None
    cpu_guarantee: float | None = None
    sudo: bool = False
    declared: bool = False
    here: bool = True


def on_offer(
    images: Sequence[Mapping[str, Any]], tag: str, declared: Iterable[DeclaredImage]
) -> tuple[Profile, ...]:
    """The profiles of declared images and of those `from_images` finds; declarations win."""
    references = {tag for image in images for tag in image.get("RepoTags") or ()}
    first = [
        replace(profile, declared=True, here=image.reference in references)
        for image in declared
        for profile in _from_label(image.reference, image.label)
    ]
    known = {profile.key for profile in first}
    return (*first, *(found for found in from_images(images, tag) if found.key not in known))


def from_images(images: Iterable[Mapping[str, Any]], tag: str) -> tuple[Profile, ...]:
    """The profiles of all images tagged `<repository>:<tag>` that carry the label.

    `images` are records as the engine lists them (Engine API, ImageList). An image whose label
    cannot be used is left out with a warning: the others still work. Two images with the same
    profile key would be a coin toss, so the second one is left out as well.
    """
    found: dict[str, Profile] = {}
    offers = [
        (reference, label)
        for image in images
        for reference in image.get("RepoTags") or ()
        if reference.rpartition(":")[2] == tag
        and (label := (image.get("Labels") or {}).get(PROFILES_LABEL))
    ]
    for reference, label in sorted(offers):
        try:
            profiles = _from_label(reference, json.loads(label))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning("No profiles from %s: its label %s: %r", reference, PROFILES_LABEL, error)
            continue
        for profile in profiles:
            if profile.key in found:
                log.warning("Two images offer %s; %s is left out", profile.key, reference)
            else:
                found[profile.key] = profile
    return tuple(found.values())


def _from_label(reference: str, offer: Mapping[str, Any]) -> list[Profile]:
    return [
        Profile(
            key=f"{offer['name']}-{size}",
            size=size,
            image=reference,
            image_title=str(offer.get("title") or offer["name"]),
            description=str(offer.get("description", "")),
            port=int(offer.get("port") or 8888),
            default_url=str(offer.get("default_url") or ""),
            memory=_bytes(table["mem_limit"]),
            cpu_limit=_cpus(table.get("cpu_limit")),
            cpu_guarantee=_cpus(table.get("cpu_guarantee")),
            sudo=table.get("sudo") is True,
        )
        for size, table in offer["profiles"].items()
    ]


def _bytes(text: str) -> int:
    number, unit = text[:-1], text[-1:]
    amount = int(float(number) * _UNITS[unit]) if unit in _UNITS else int(text)
    if amount < _UNITS["M"]:
        raise ValueError(f"mem_limit {text!r} is less than a megabyte")
    return amount


def _cpus(value: float | None) -> float | None:
    if value is None:
        return None
    number = float(value)
    if not (math.isfinite(number) and number > 0):
        raise ValueError(f"{value!r} is no number of CPUs")
    return number
