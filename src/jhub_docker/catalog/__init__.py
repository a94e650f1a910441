"""What the packages declare, their versions and ledgers, and what a change touches. Pure."""

from jhub_docker.catalog.fields import Budget, Profile
from jhub_docker.catalog.packages import (
    HUB,
    LANES,
    PLATFORMS,
    ROOT_FILE_SYSTEM,
    Catalog,
    ImageSpec,
    load,
    requires_python,
)

__all__ = [
    "HUB",
    "LANES",
    "PLATFORMS",
    "ROOT_FILE_SYSTEM",
    "Budget",
    "Catalog",
    "ImageSpec",
    "Profile",
    "load",
    "requires_python",
]
