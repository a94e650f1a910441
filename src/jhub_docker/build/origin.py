"""Where an image in the engine comes from: a release, by its digest, or a build on this machine.

The hub says the same on its cards (packages/hub/src/hub_config/offer/profiles.py). Pure.
"""

from collections.abc import Iterable, Mapping

from jhub_docker.catalog.identity import LABEL, OCI, RELEASE, short

DIGEST_LENGTH = 12
"""Hex digits of a digest that tables show."""


def of(labels: Mapping[str, str], digests: Iterable[str] = ()) -> str:
    """E.g. `release 1.2.0, sha256:0123456789ab`, or `local build 0123456789ab`; empty for neither.

    `labels` are the image's or a container's, `digests` the engine's RepoDigests. Those alone make
    no release: what was built here and pushed has them too, and with containerd's image store every
    image. One that was loaded from a file instead of pulled has none.
    """
    digest = next((text.rpartition("@")[2] for text in digests), "")
    if version := labels.get(RELEASE):
        algorithm, _, digits = digest.partition(":")
        shown = f"{algorithm}:{digits[:DIGEST_LENGTH]}" if digits else "not from a registry"
        return f"release {version}, {shown}"
    if build_id := labels.get(f"{LABEL}.build-id"):
        dirty = labels.get(f"{OCI}.revision", "").endswith("-dirty")
        return f"local build {short(build_id)}" + (", uncommitted changes" if dirty else "")
    return ""
