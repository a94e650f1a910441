"""What this platform may do with the engine, taken from the same settings as the hub's."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Network

from hub_config.settings import Settings
from hub_config.spawning.container.options import LABEL, Operator

PLATFORM, USER, SERVER, PROFILE = (
    f"{LABEL}.{part}" for part in ("platform", "user", "server", "profile")
)


@dataclass(frozen=True)
class Policy:
    """Names, limits and exceptions that rules compare with."""

    platform: str
    network: str
    container_prefix: str
    volume_prefix: str
    shared_volume_prefix: str
    image_tag: str
    address_pool: IPv4Network
    ca_bundle: str
    sudo_profiles: frozenset[str]
    pull_from: str
    operator: Operator
    disk_limit_gb: float

    @property
    def container_name(self) -> re.Pattern[str]:
        """Names of people's servers; see `runtime.names.container`."""
        return re.compile(rf"{re.escape(self.container_prefix)}-[a-z0-9_]+(-[a-z0-9_]+)?")

    @property
    def network_name(self) -> re.Pattern[str]:
        """Names of servers' networks; see `runtime.names.network`."""
        return re.compile(rf"{re.escape(self.network)}-[a-z0-9_]+(-[a-z0-9_]+)?")

    @property
    def volume_name(self) -> re.Pattern[str]:
        """Names of home volumes; see `runtime.names.home_volume`."""
        return re.compile(rf"{re.escape(self.volume_prefix)}[a-z0-9_]+(\.[0-9]+)?")

    def shared_folder(self, volume: str) -> str | None:
        """The folder a shared volume is for, None when it is no shared volume's name."""
        folder = volume.removeprefix(self.shared_volume_prefix)
        is_shared = folder != volume and re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,62}", folder)
        return folder if is_shared else None


def from_settings(settings: Settings) -> Policy:
    """The policy that follows from the settings."""
    return Policy(
        platform=settings.platform,
        network=settings.network,
        container_prefix=settings.container_prefix,
        volume_prefix=settings.user_volume_prefix,
        shared_volume_prefix=settings.shared_volume_prefix,
        image_tag=settings.image_tag,
        address_pool=settings.address_pool,
        ca_bundle=settings.ca_bundle,
        sudo_profiles=settings.profiles_with_sudo,
        pull_from=settings.pull_from,
        operator=Operator(
            pids_limit=settings.pids_limit,
            nb_uid=settings.nb_uid,
            nb_gid=settings.nb_gid,
            gpu_profiles=settings.profiles_with_gpus,
            log_size=settings.log_size,
            read_only_root=settings.read_only_root,
        ),
        disk_limit_gb=settings.disk_limit_gb,
    )
