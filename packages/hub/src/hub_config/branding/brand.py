"""The brand as templates see it: `brand.name`, `brand.logo`, …"""

from dataclasses import dataclass
from pathlib import PurePosixPath

from hub_config.settings import Settings


@dataclass(frozen=True)
class Brand:
    """Who runs the platform. All of it is text, escaped where a page shows it."""

    name: str
    logo_file: str
    """Below `static/`; empty when there is no logo or it is elsewhere."""
    logo_url: str
    announcement: str
    announcement_level: str
    help_url: str


def brand_of(settings: Settings) -> Brand:
    """The brand the settings describe."""
    elsewhere = settings.logo.startswith("https://")
    suffix = PurePosixPath(settings.logo).suffix.lower()
    return Brand(
        name=settings.brand_name,
        logo_file=f"branding/logo{suffix}" if settings.logo and not elsewhere else "",
        logo_url=settings.logo if elsewhere else "",
        announcement=settings.announcement.strip(),
        announcement_level=settings.announcement_level,
        help_url=settings.help_url,
    )
