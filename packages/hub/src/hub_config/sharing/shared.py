"""What a server gets of its person's groups: folders, variables and secrets."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hub_config import groups
from hub_config.runtime import names
from hub_config.sharing import secret_files
from hub_config.spawning.container import options
from hub_config.spawning.refusal import StartFailure

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Shared:
    """What the groups called `members` share. Membership counts at the start."""

    rules: groups.Rules
    members: Sequence[str]
    secrets: Path
    volume_prefix: str

    def environment(self) -> Mapping[str, str]:
        """Variables and secrets.

        Raises StartFailure when a secret cannot be read: without it the person's work would fail
        later, and say less.
        """
        try:
            secrets = {name: secret_files.read_group(self.secrets, name) for name in self.members}
        except (OSError, UnicodeDecodeError) as error:
            log.error("Cannot read a group's secret: %s", type(error).__name__)
            raise StartFailure(
                "A secret of one of your groups cannot be read. An administrator finds more in "
                "the hub's log."
            ) from None
        return groups.environment(self.rules, self.members, secrets)

    def folders(self) -> dict[str, tuple[str, groups.Mode]]:
        """The folders the person has: by volume, their names and what may be done in them."""
        return {
            names.shared_volume(self.volume_prefix, folder): (folder, mode)
            for folder, mode in groups.folders(self.rules, self.members).items()
        }


def mount_point(folder: str) -> str:
    """Where a folder is in a server."""
    return f"{options.SHARED}/{folder}"
