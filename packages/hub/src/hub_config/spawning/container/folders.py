"""Makes the volumes of folders that groups share, with the mode the images have for them."""

import asyncio
from collections.abc import Mapping
from typing import Any

from docker.errors import NotFound

from hub_config import names
from hub_config.groups import Mode
from hub_config.spawning.container import options


class Folders:
    """Made with the engine's client of a spawner that is about to start a server.

    What is begun is finished, whoever stops waiting: a volume without its mode could not be told
    from one that is ready.
    """

    _making: asyncio.Lock | None = None

    def __init__(self, spawner: Any) -> None:
        """`spawner` is DockerSpawner: its image, limits and network are those of the server."""
        self.spawner = spawner

    async def mount(self, folders: Mapping[str, tuple[str, Mode]]) -> None:
        """Have them mounted in the container that is about to be made; new ones are made first."""
        spawner = self.spawner
        for volume, (folder, mode) in folders.items():
            await spawner.runtime.whole(spawner.object_name, self.make(volume, folder))
            mounts = spawner.volumes if mode == "read-write" else spawner.read_only_volumes
            mounts[volume] = f"{options.SHARED}/{folder}"

    async def make(self, volume: str, folder: str) -> None:
        """Make the volume unless it exists. One at a time: nobody may mount an unfinished one.

        A volume belongs to root until it is mounted over a folder of an image, whose mode it takes
        over (Docker, "Populate a volume using a container"). So a container that is never started
        is made and removed.
        """
        Folders._making = Folders._making or asyncio.Lock()
        docker, platform = self.spawner.docker, self.spawner.enforced.platform
        async with Folders._making:
            try:
                await docker("inspect_volume", volume)
                return
            except NotFound:
                pass
            labels = {names.PLATFORM: platform, options.FOLDER_LABEL: folder}
            await docker("create_volume", volume, labels=labels)
            try:
                await self._take_over_mode(volume)
            except Exception:
                await docker("remove_volume", volume)
                raise

    async def _take_over_mode(self, volume: str) -> None:
        spawner = self.spawner
        limits: dict[str, Any] = {
            **spawner.extra_host_config,
            "binds": [f"{volume}:{options.NEW_SHARED}:rw"],
            "network_mode": spawner.network_name,
        }
        made = await spawner.docker(
            "create_container",
            image=spawner.image,
            name=spawner.object_name,
            host_config=spawner.client.create_host_config(**limits),
            **spawner.extra_create_kwargs,
        )
        await spawner.docker("remove_container", made["Id"], force=True)
