"""Where an image comes from, in words for a card: a release by its digest, or a local build. Pure.

`jhub_docker.build.origin` says the same in the operator's lists.
"""

from collections.abc import Mapping, Sequence

from hub_config.settings.images import Reference
from hub_config.spawning.images.labels import BUILD_ID_LABEL, RELEASE_LABEL, REVISION_LABEL

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
