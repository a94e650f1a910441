"""How images are called and told apart: labels, build ids in tags, suffixes of platforms. Pure."""

import hashlib
import json

LABEL = "io.jhub-docker"
"""Prefix of the labels this project puts on images, containers, networks and volumes."""

RELEASE = f"{LABEL}.release"
"""Label of released images alone, the version: a release sets it, a plan never does."""

OCI = "org.opencontainers.image"
"""Prefix of the OCI image specification's annotation keys (image-spec 1.1, annotations.md)."""

BUILD_ID_LENGTH = 12
"""Hex digits of a build id that tags and tables show; labels hold all 64."""


def short(build_id: str) -> str:
    """The build id as tags and tables show it."""
    return build_id[:BUILD_ID_LENGTH]


def suffix(platform: str) -> str:
    """What tags of images for another platform than the engine's own end with, e.g. `-arm64`.

    Without it such an image would take `latest` from the one that people run.
    """
    return "".join(f"-{part}" for part in platform.split("/")[1:])


def digest(value: object) -> str:
    """sha256 of a value's canonical JSON."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
