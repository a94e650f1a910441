"""Profiles, read from images' labels, which the build writes: the hub has no list of its own. Pure.

`jhub_docker.origin` says the same of origins.
"""

import json
import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hub_config.names import LABEL, SHARES_OF_A_CPU
from hub_config.settings import Settings
from hub_config.settings.gpus import Gpus, granted
from hub_config.settings.tables import DeclaredImage, Reference

PROFILES_LABEL = f"{LABEL}.profiles"
"""What it offers, as JSON."""

JUPYTERHUB_LABEL = f"{LABEL}.jupyterhub"
"""The version of JupyterHub in it."""

WARNINGS_LABEL = f"{LABEL}.warnings"
"""What its build went on without, a line for each."""

RELEASE_LABEL = f"{LABEL}.release"
"""Released images alone have it: their version."""

BUILD_ID_LABEL = f"{LABEL}.build-id"

REVISION_LABEL = "org.opencontainers.image.revision"
"""The commit it was built from, with `-dirty` when files differed from it."""

_SHOWN = 12
"""Hex digits of a digest or build id that people are shown."""


def origin(labels: Mapping[str, str], digests: Sequence[str], wanted: Reference | None) -> str:
    """E.g. `release 1.2.0, sha256:0123456789ab` or `local build 0123456789ab`; maybe empty.

    `labels` and `digests` (the engine's RepoDigests) are empty for an image that is not here yet;
    `wanted` is what the operator declared. A digest alone makes no release: an image that was
    built here and pushed has one too.
    """
    digest = wanted.digest if wanted else ""
    if version := labels.get(RELEASE_LABEL):
        found = digest or next((text.rpartition("@")[2] for text in digests), "")
        return f"release {version}, {short_digest(found) or 'not from a registry'}"
    if digest and wanted:
        return ", ".join(filter(None, (wanted.tag, short_digest(digest))))
    if build_id := labels.get(BUILD_ID_LABEL):
        dirty = labels.get(REVISION_LABEL, "").endswith("-dirty")
        return f"local build {build_id[:_SHOWN]}" + (", uncommitted changes" if dirty else "")
    return f"tag {wanted.tag}" if wanted else ""


def short_digest(digest: str) -> str:
    """A digest as people are shown it."""
    algorithm, _, digits = digest.partition(":")
    return f"{algorithm}:{digits[:_SHOWN]}" if digits else ""


_UNITS = {"K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}

Record = Mapping[str, Any]
"""An image as the engine lists it."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Profile:
    """One choice on the form: an image and a size, with what the size allows.

    `memory` is in bytes; `cpu_limit` and `cpu_guarantee` are numbers of CPUs, None: no limit.
    An image that was `declared` may be pulled; `here` is whether the engine has it. `origin` says
    where it comes from, `jupyterhub` which version is in it; empty when that is not known. `routes`
    are the first parts of paths that its servers answer beside Jupyter's own, `warnings` what its
    build went on without. `gpus` is what it asks for, `devices` what this one server is given.
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
    origin: str = ""
    jupyterhub: str = ""
    routes: frozenset[str] = frozenset()
    warnings: tuple[str, ...] = ()
    gpus: Gpus | None = None
    devices: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """What people know it by, such as `JupyterLab, small`."""
        return f"{self.image_title}, {self.size}"

    @property
    def has_kernels(self) -> bool:
        """Whether Jupyter's notebooks can run there: marimo's own image has none."""
        return not self.default_url.startswith("/marimo")


def on_offer(
    images: Sequence[Record], tag: str, declared: Iterable[DeclaredImage]
) -> tuple[Profile, ...]:
    """The profiles of declared images and of those `from_images` finds; declarations win."""
    first = [profile for image in declared for profile in _declared(image, images)]
    known = {profile.key for profile in first}
    return (*first, *(found for found in from_images(images, tag) if found.key not in known))


def _declared(image: DeclaredImage, images: Sequence[Record]) -> list[Profile]:
    """What an image offers by its declaration; once it is here, its labels say what it is."""
    wanted = image.parsed
    names = {wanted.pinned, f"{wanted.repository}:{wanted.tag}" if not wanted.digest else ""}
    record = next((one for one in images if names & _names(one)), None)
    labels = (record or {}).get("Labels") or {}
    about = {**_about(labels, (), wanted), "declared": True, "here": record is not None}
    if record is None:
        about["jupyterhub"] = image.jupyterhub
    here = frozenset().union(*(one.routes for one in of_image(wanted.pinned, labels)))
    profiles = _from_label(wanted.pinned, image.label)
    return [replace(one, **about, routes=one.routes | here) for one in profiles]


def _names(record: Record) -> set[str]:
    return {*(record.get("RepoTags") or ()), *(record.get("RepoDigests") or ())}


def from_images(images: Iterable[Record], tag: str) -> tuple[Profile, ...]:
    """The profiles of all images tagged `<repository>:<tag>` that carry the label.

    `images` are records as the engine lists them (Engine API, ImageList). An image whose label
    cannot be used is left out with a warning: the others still work. Two images with the same
    profile key would be a coin toss, so the second one is left out as well.
    """
    found: dict[str, Profile] = {}
    tagged = [
        (reference, image)
        for image in images
        for reference in image.get("RepoTags") or ()
        if reference.rpartition(":")[2] == tag
    ]
    for reference, image in sorted(tagged, key=lambda one: one[0].rpartition(":")[0]):
        digests = image.get("RepoDigests") or ()
        for profile in of_image(reference, image.get("Labels") or {}, digests):
            if profile.key in found:
                log.warning("Two images offer %s; %s is left out", profile.key, reference)
            else:
                found[profile.key] = profile
    return tuple(found.values())


def of_image(
    reference: str, labels: Mapping[str, str], digests: Sequence[str] = ()
) -> list[Profile]:
    """What one image offers by its labels; nothing, with a warning, when they cannot be used."""
    label = labels.get(PROFILES_LABEL)
    if not label:
        return []
    try:
        profiles = _from_label(reference, json.loads(label))
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        log.warning("No profiles from %s: its label %s: %r", reference, PROFILES_LABEL, error)
        return []
    return [replace(profile, **_about(labels, digests, None)) for profile in profiles]


def _about(
    labels: Mapping[str, str], digests: Sequence[str], wanted: Reference | None
) -> dict[str, Any]:
    return {
        "origin": origin(labels, digests, wanted),
        "jupyterhub": labels.get(JUPYTERHUB_LABEL, ""),
        "warnings": tuple(
            one.removeprefix("NOT INSTALLED: ")
            for one in labels.get(WARNINGS_LABEL, "").splitlines()
        ),
    }


def bounded(profile: Profile, enforced: Settings) -> Profile:
    """The profile with no more than the operator lets one server have, and with sudo only where
    they grant it. What an image says is a wish.
    """
    most = enforced.max_cpus or math.inf
    has_all = profile.key in enforced.gpu_profiles
    limit = min(profile.cpu_limit or math.inf, most)
    return replace(
        profile,
        memory=min(profile.memory, int(enforced.max_memory_gb * 2**30) or profile.memory),
        cpu_limit=None if limit == math.inf else limit,
        cpu_guarantee=profile.cpu_guarantee and min(profile.cpu_guarantee, limit),
        sudo=profile.key in enforced.sudo_profiles,
        gpus=None if has_all else granted(enforced.gpu_profiles, profile.key) or profile.gpus,
    )


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
            gpus=Gpus.model_validate(table["gpus"]) if table.get("gpus") is not None else None,
            routes=_routes(offer),
        )
        for size, table in offer["profiles"].items()
    ]


def _routes(offer: Mapping[str, Any]) -> frozenset[str]:
    """What it declares, and the first part of its page, which an image's label need not repeat."""
    page = str(offer.get("default_url") or "").strip("/").partition("/")[0]
    return frozenset({page, *map(str, offer.get("routes") or ())} - {""})


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


CPU_PERIOD = 100_000
"""Microseconds for which a CPU quota counts; the kernel's and DockerSpawner's default."""

LEAST_QUOTA = 1000
"""What the kernel and the engine take at least (sched-bwc); 0 would be no limit."""


def size(profile: Profile) -> dict[str, int]:
    """The limits that make up a profile's size, by the names of the Engine API.

    Memory and swap together are limited to the profile's memory, otherwise swap would double it.
    """
    limits = {"Memory": profile.memory, "MemorySwap": profile.memory}
    if profile.cpu_limit:
        quota = max(LEAST_QUOTA, int(profile.cpu_limit * CPU_PERIOD))
        limits |= {"CpuPeriod": CPU_PERIOD, "CpuQuota": quota}
    if profile.cpu_guarantee:
        limits["CpuShares"] = max(2, int(profile.cpu_guarantee * SHARES_OF_A_CPU))
    return limits
