"""The part of the spawner that gives a server its groups' folders, variables and secrets."""

import asyncio
from pathlib import Path
from typing import Any

from docker.errors import NotFound
from traitlets import Dict, Unicode

from hub_config import groups, variables
from hub_config.networks.spawner import NetworkedSpawner
from hub_config.sharing import secret_files
from hub_config.spawning.container import names, options
from hub_config.spawning.refusal import StartFailure


class SharingSpawner(NetworkedSpawner):
    """A container with what its person's groups share. Membership counts at the start."""

    group_secrets = Unicode(help="Where groups' secrets are kept").tag(config=True)
    sharing_rules = Dict(help="What members of groups share").tag(config=True)

    _making: asyncio.Lock | None = None

    @property
    def group_names(self) -> list[str]:
        """The groups the person is in now."""
        return [group.name for group in self.user.groups]

    def get_env(self) -> dict[str, str]:
        """The hub's own variables win over those of groups.

        Raises StartFailure when a secret cannot be read, since the person's work would fail later
        without it, and for a name that the filter would refuse.
        """
        own: dict[str, str] = super().get_env()
        members = self.group_names
        folder = Path(self.group_secrets)
        try:
            secrets = {name: secret_files.read_group(folder, name) for name in members}
        except (OSError, UnicodeDecodeError) as error:
            self.log.error("Cannot read a group's secret: %s", type(error).__name__)
            raise StartFailure(
                "A secret of one of your groups cannot be read. An administrator finds more in "
                "the hub's log."
            ) from None
        found = groups.environment(self.sharing_rules, members, secrets)
        may_set = self.enforced.group_variables
        if beyond := sorted(name for name in found if not variables.permitted(name, may_set)):
            raise StartFailure(
                f"One of your groups sets {beyond[0]}, which JHUB_GROUP_VARIABLES does not permit. "
                "Tell an administrator."
            )
        return found | own

    async def shared_folders(self, mode: groups.Mode) -> dict[str, str]:
        """The folders the person has in this mode: volume and where it goes. New ones are made."""
        found = {}
        for folder, its_mode in groups.folders(self.sharing_rules, self.group_names).items():
            if its_mode == mode:
                volume = names.shared_volume(self.enforced.shared_volume_prefix, folder)
                await self._make_folder(volume, folder)
                found[volume] = f"{options.SHARED}/{folder}"
        return found

    async def _make_folder(self, volume: str, folder: str) -> None:
        """Make the volume unless it exists. One at a time: nobody may mount an unfinished one.

        A volume belongs to root until it is mounted over a folder of an image, whose mode it takes
        over (Docker, "Populate a volume using a container"). So a container that is never started
        is made and removed.
        """
        cls = SharingSpawner
        cls._making = cls._making or asyncio.Lock()
        async with cls._making:
            try:
                await self.docker("inspect_volume", volume)
                return
            except NotFound:
                pass
            labels = {
                f"{options.LABEL}.platform": self.enforced.platform,
                options.FOLDER_LABEL: folder,
            }
            await self.docker("create_volume", volume, labels=labels)
            try:
                await self._take_over_mode(volume)
            except BaseException:
                await self.docker("remove_volume", volume)
                raise

    async def _take_over_mode(self, volume: str) -> None:
        if await self.get_object():
            await self.remove_object()
        limits: dict[str, Any] = {
            **self.extra_host_config,
            "binds": [f"{volume}:{options.NEW_SHARED}:rw"],
            "network_mode": self.network_name,
        }
        made = await self.docker(
            "create_container",
            image=self.image,
            name=self.object_name,
            host_config=self.client.create_host_config(**limits),
            **self.extra_create_kwargs,
        )
        await self.docker("remove_container", made["Id"], force=True)
