"""The labels an image gets: from its declaration, and from the checkout it is built in."""

import json
from datetime import UTC, datetime
from pathlib import Path

from msgspec import to_builtins

from jhub_docker.catalog import ImageSpec
from jhub_docker.catalog.identity import LABEL, OCI
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
