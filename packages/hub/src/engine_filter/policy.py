"""What this platform may do with the engine: the very value that the hub goes by."""

import re
from dataclasses import dataclass

from hub_config import names
from hub_config.names import LABEL
from hub_config.settings import Settings

PLATFORM, USER, SERVER, PROFILE = (
    f"{LABEL}.{part}" for part in ("platform", "user", "server", "profile")
)


@dataclass(frozen=True)
class Policy:
    """The settings that the filter enforces (`Settings.enforced`), and names that follow from them.

    Rules see nothing else of the settings: what a rule compares with has to be declared with
    `enforced_by="filter"`, or it is at its default here.
    """

    settings: Settings

    @property
    def container_name(self) -> re.Pattern[str]:
        """Names of people's servers; see `names.container`."""
        return re.compile(rf"{re.escape(self.settings.container_prefix)}-[a-z0-9_]+(-[a-z0-9_]+)?")

    @property
    def network_name(self) -> re.Pattern[str]:
        """Names of servers' networks; see `names.network`."""
        return re.compile(rf"{re.escape(self.settings.network)}-[a-z0-9_]+(-[a-z0-9_]+)?")

    @property
    def volume_name(self) -> re.Pattern[str]:
        """Names of home volumes; see `names.home_volume`."""
        return re.compile(rf"{re.escape(self.settings.user_volume_prefix)}[a-z0-9_]+(\.[0-9]+)?")

    def shared_folder(self, volume: str) -> str | None:
        """The folder a shared volume is for, None when it is no shared volume's name."""
        return names.folder_of(self.settings.shared_volume_prefix, volume)


def from_settings(settings: Settings) -> Policy:
    """The policy that follows from the settings."""
    return Policy(settings.enforced)
