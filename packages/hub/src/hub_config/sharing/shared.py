"""What a server gets of its person's groups: folders, variables and secrets."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hub_config import groups, names, variables
from hub_config.settings import Settings
from hub_config.sharing import secret_files

log = logging.getLogger(__name__)


class SharingError(Exception):
    """A group's variables cannot be had; the message is for its member."""


@dataclass(frozen=True)
class Shared:
    """What the groups called `members` share. Membership counts at the start."""

    rules: groups.Rules
    members: Sequence[str]
    secrets: Path
    enforced: Settings

    def environment(self) -> Mapping[str, str]:
        """Variables and secrets.

        Raises SharingError when a secret cannot be read, since the person's work would fail later
        without it, and for a name that the filter would refuse.
        """
        try:
            secrets = {name: secret_files.read_group(self.secrets, name) for name in self.members}
        except (OSError, UnicodeDecodeError) as error:
            log.error("Cannot read a group's secret: %s", type(error).__name__)
            raise SharingError(
                "A secret of one of your groups cannot be read. An administrator finds more in "
                "the hub's log."
            ) from None
        found = groups.environment(self.rules, self.members, secrets)
        may_set = self.enforced.group_variables
        if beyond := sorted(name for name in found if not variables.permitted(name, may_set)):
            raise SharingError(
                f"One of your groups sets {beyond[0]}, which JHUB_GROUP_VARIABLES does not permit. "
                "Tell an administrator."
            )
        return found

    def folders(self) -> dict[str, tuple[str, groups.Mode]]:
        """The folders the person has: by volume, their names and what may be done in them."""
        return {
            names.shared_volume(self.enforced.shared_volume_prefix, folder): (folder, mode)
            for folder, mode in groups.folders(self.rules, self.members).items()
        }
