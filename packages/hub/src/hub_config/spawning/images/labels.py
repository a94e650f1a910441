"""What an image says of itself: its labels, and where it comes from in words for a card. Pure.

The labels are written by the build (the library's plan.py); `jhub_docker.origin` says the same of
origins in the operator's lists.
"""

from collections.abc import Mapping, Sequence

from hub_config.names import LABEL
from hub_config.settings.images import Reference

PROFILES_LABEL = f"{LABEL}.profiles"
"""What it offers, as JSON."""

JUPYTERHUB_LABEL = f"{LABEL}.jupyterhub"
"""The version of JupyterHub in it."""

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
