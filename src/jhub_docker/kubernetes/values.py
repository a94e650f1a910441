"""What the chart in `deploy/kubernetes` has to know of the catalog: hub, proxy, and what people
choose from. Pure but for the ledgers it reads.

A cluster has no engine that could be asked for images, so each is named by its release's digest.
"""

from dataclasses import asdict
from typing import Any

from jhub_docker.catalog import Catalog, ImageSpec, ledger
from jhub_docker.errors import UsageError
from jhub_docker.release import publish

HUB, PROXY = "hub", "proxy"
GATEWAYS = "gateways"
"""Of the platforms that want it alone, so it may never have been released."""


def values(catalog: Catalog, registry: str, tag: str = "") -> dict[str, Any]:
    """The values, for images in `registry`, a host with or without a path.

    An image that was never released is named by `tag`. Raises UsageError for one without.
    """
    wanted = [catalog[HUB], catalog[PROXY], *catalog.singleuser]
    named = {spec.name: reference(spec, registry, tag) for spec in wanted}
    if missing := sorted(name for name, found in named.items() if not found):
        raise UsageError(
            f"{', '.join(missing)}: never released, so no digest is known; ./dev invoke release "
            f"{missing[0]}, or --tag for images that were pushed under one"
        )
    images = {HUB: named[HUB], PROXY: named[PROXY]}
    if GATEWAYS in catalog.specs and (made := reference(catalog[GATEWAYS], registry, tag)):
        images[GATEWAYS] = made
    return {
        "images": images,
        "offer": [_offered(spec, named[spec.name]) for spec in catalog.singleuser],
    }


def reference(spec: ImageSpec, registry: str, tag: str) -> str:
    """The newest release that was not taken back, by digest, else `tag`; empty for neither."""
    place = publish.repository(spec, registry)
    for version, entry in ledger.read(spec.folder).items():
        if entry.yanked is None:
            return f"{place}:{version}@{entry.digest}"
    return f"{place}:{tag}" if tag else ""


def _offered(spec: ImageSpec, named: str) -> dict[str, Any]:
    """As the hub's table [[images]] has it (hub_config.settings.tables, DeclaredImage)."""
    return {
        "reference": named,
        "jupyterhub": spec.jupyterhub,
        "name": spec.name,
        "title": spec.title or spec.name,
        "description": spec.description,
        "port": spec.port,
        "default_url": spec.probe,
        "profiles": {
            size: {key: value for key, value in asdict(profile).items() if value and key != "sudo"}
            for size, profile in spec.profiles.items()
        },
    }
