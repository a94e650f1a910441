"""Services that run a public image: which one it is where that cannot be pulled.

A package of the service's name stands for it (`build.bases`). Compose would take the public image,
so it is told of the stand-in where there is no other. `tracking` is one without a public image.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jhub_docker.build import bases, images, marks
from jhub_docker.catalog import identity, load
from jhub_docker.engine import quick
from jhub_docker.platform import compose, containers
from jhub_docker.platform.compose import MLFLOW, PROXY, TLS, Platform

POSTGRES, TRACKING, REGISTRY = "postgres", "tracking", "registry"

VARIABLES = {
    "caddy": "JHUB_TLS_IMAGE",
    "prometheus": "JHUB_PROMETHEUS_IMAGE",
    "alertmanager": "JHUB_ALERTMANAGER_IMAGE",
    POSTGRES: "JHUB_POSTGRES_IMAGE",
    TRACKING: "JHUB_TRACKING_IMAGE",
    REGISTRY: "JHUB_REGISTRY_IMAGE",
}
"""The variables that name the images, by package."""

SERVICES = {"caddy": TLS, TRACKING: MLFLOW}
"""The services that are not called as their package."""

BESIDE = {POSTGRES: "PostgreSQL", MLFLOW: "MLflow"}
"""Services that have no port, and what they are called."""


def chosen(platform: Platform) -> dict[str, str]:
    """The variables that name these images, for services nobody has named one for."""
    return {
        VARIABLES[package]: image(
            platform.root, package, containers.first(platform, SERVICES.get(package, package))
        )
        for package in needed(platform)
    }


def needed(platform: Platform) -> list[str]:
    """The packages whose images its services run; none for one that somebody has named."""
    said = compose.variables_of(platform.root)
    return [
        package
        for package, variable in VARIABLES.items()
        if SERVICES.get(package, package) in platform.services and variable not in said
    ]


def image(root: Path, package: str, running: Mapping[str, Any] | None = None) -> str:
    """The public image where the engine has it, or else the stand-in that was built last: by this
    checkout, or where it has built none by any.

    What runs from the same image keeps the name it has, so that it is not started anew.
    """
    spec = load(root / "packages")[package]
    public = bases.public_reference(spec, bases.lane()) or ""
    if public and quick.image(public):
        return public
    made = [one for one in images.built(images.here()).values() if one.package == package]
    if not made:
        return public
    own = f"{spec.repository}:{marks.checkout_tag(root)}{bases.lane_suffix()}"
    newest = max(made, key=lambda one: (own in one.tags, one.created))
    if running and running["Image"] == newest.image_id:
        return str(running["Config"]["Image"])
    # A tag that never means another image.
    return f"{spec.repository}:{identity.short(newest.build_id)}"


def announce(platform: Platform) -> list[str]:
    """Have these services read what the hub has written for them anew; what each runs, and where
    it answers if it is for people.
    """
    told = []
    for name in platform.services:
        of, ports = platform.images.get(name, ""), platform.ports.get(name)
        here = of.startswith("local/") and name not in SERVICES.values()
        by = f"{of}, the stand-in of packages/{name}" if here else of
        if name in BESIDE:
            told.append(f"{BESIDE[name]} runs beside the hub ({by}).")
        elif ports and name not in (PROXY, TLS):
            if name in VARIABLES and name != REGISTRY:
                platform.compose("kill", "--signal", "HUP", name)
            told.append(f"{name.title()} is at http://{ports[0][1]}:{ports[0][2]} ({by}).")
    return told
