"""What the packages declare, their versions and ledgers, and what a change touches. Pure."""

from jhub_docker.catalog.fields import LANES, PLATFORMS, ROOT_FILE_SYSTEM, Budget, Profile
from jhub_docker.catalog.packages import HUB, Catalog, ImageSpec, load

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
]
