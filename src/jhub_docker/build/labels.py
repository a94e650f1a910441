"""The labels an image gets, from its declaration and the checkout it is built in, and what they say
of where it is from.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from msgspec import to_builtins

from jhub_docker.catalog import ImageSpec
from jhub_docker.catalog.identity import LABEL, OCI, RELEASE, short
from jhub_docker.host import machine


def declared(spec: ImageSpec) -> dict[str, str]:
    """The labels that follow from the declaration alone; a change to one changes the build id."""
    labels = {
        f"{OCI}.title": spec.repository,
        f"{OCI}.description": spec.description,
        f"{OCI}.version": spec.version,
        f"{LABEL}.package": spec.name,
    }
    if spec.license:
        labels[f"{OCI}.licenses"] = spec.license
    if spec.publish and spec.profiles and spec.probe:
        offer = {
            "name": spec.name,
            "title": spec.title,
            "description": spec.description,
            "port": spec.port,
            "default_url": spec.probe,
            "routes": spec.routes,
            "profiles": to_builtins(spec.profiles),
        }
        labels[f"{LABEL}.profiles"] = json.dumps(offer, separators=(",", ":"))
        if spec.jupyterhub:
            labels[f"{LABEL}.jupyterhub"] = spec.jupyterhub
    return labels


def of_build(root: Path, revision: machine.Revision | None) -> dict[str, str]:
    """The labels that say when and from what revision an image was built."""
    labels = {f"{OCI}.created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
    if revision:
        labels[f"{OCI}.revision"] = revision.commit + ("-dirty" if revision.dirty else "")
    if url := machine.source_url(root):
        labels |= {f"{OCI}.source": url, f"{OCI}.url": url, f"{OCI}.documentation": url}
    return labels


def origin(labels: Mapping[str, str], digests: Iterable[str] = ()) -> str:
    """E.g. `release 1.2.0, sha256:0123456789ab`, or `local build 0123456789ab`; empty for neither.

    `labels` are the image's or a container's, `digests` the engine's RepoDigests. Those alone make
    no release: what was built here and pushed has them too, and with containerd's image store every
    image. One that was loaded from a file instead of pulled has none. The hub says the same on its
    cards (packages/hub/src/hub_config/offer/profiles.py).
    """
    digest = next((text.rpartition("@")[2] for text in digests), "")
    if version := labels.get(RELEASE):
        algorithm, _, digits = digest.partition(":")
        shown = f"{algorithm}:{short(digits)}" if digits else "not from a registry"
        return f"release {version}, {shown}"
    if build_id := labels.get(f"{LABEL}.build-id"):
        dirty = labels.get(f"{OCI}.revision", "").endswith("-dirty")
        return f"local build {short(build_id)}" + (", uncommitted changes" if dirty else "")
    return ""
