"""DockerSpawner mended where it meets the engine: threads, looking after a container, its end.

What is in the container, and how it is started, is in `container_spawner`.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests
from docker.errors import APIError, NotFound
from dockerspawner import DockerSpawner
from traitlets import Instance, Int, Unicode, default

from hub_config.settings import Settings
from hub_config.spawning.container import endings

LOG_LINES = 20
"""Lines of a container's log that are kept when it ended by itself."""


class EngineSpawner(DockerSpawner):
    """Calls to the engine that do not wait for each other, and ends that say why."""

    enforced = Instance(
        Settings, (), help="What the filter before the engine holds every call to"
    ).tag(config=True)
    docker_threads = Int(16, help="Simultaneous calls to the Docker Engine").tag(config=True)

    ending = Unicode(help="Why the container ended by itself; for its person")
    lost = Unicode(help="What it lost for want of memory while it runs; for its person")

    remove = True
    use_internal_ip = True
    pull_policy = "skip"
    _shared_executor: ThreadPoolExecutor | None = None

    @property
    def executor(self) -> ThreadPoolExecutor:
        """Threads for calls to the engine: with DockerSpawner's single one, one slow call of one
        person would hold up everybody's.
        """
        cls = EngineSpawner
        if cls._shared_executor is None:
            cls._shared_executor = ThreadPoolExecutor(self.docker_threads, "docker")
        return cls._shared_executor

    @default("client_kwargs")
    def _one_connection_per_thread(self) -> dict[str, Any]:
        return {"max_pool_size": self.docker_threads}

    async def release_network(self) -> None:
        """Called whenever the container is gone, however that came; maybe more than once."""

    async def get_object(self) -> Any:
        """The container's record, None when there is none. Raises when the engine cannot tell.

        DockerSpawner takes an engine's error 500 for a container that is gone.
        """
        try:
            record = await self.docker("inspect_container", self.object_name)
        except NotFound:
            self.object_id = ""
            return None
        self.object_id = record["Id"]
        return record

    async def poll(self) -> int | str | None:
        """None while the container runs or the engine cannot tell, else how it ended."""
        try:
            record = await self.get_object()
        except (APIError, requests.RequestException) as error:
            self.log.warning("Cannot tell whether %s runs: %s", self.object_name, error)
            return None
        if record is None:
            await self.release_network()
            return 0
        if record["State"]["Running"]:
            self.lost = endings.lost(record)
            return None
        self.ending = endings.why(record)
        how = await self.describe_end(record)
        self.log.warning("%s", how)
        await self.remove_quietly()
        return how

    async def how_it_ended(self) -> str | None:
        """For a server that is starting: how its container ended, None while it runs."""
        try:
            record = await self.get_object()
        except (APIError, requests.RequestException):
            return None
        if record is None:
            return f"The container {self.object_name} was removed while its server was starting."
        return None if record["State"]["Running"] else await self.describe_end(record)

    async def describe_end(self, record: dict[str, Any]) -> str:
        """Why the container of this record ended, and the last lines it wrote."""
        lines = await self.last_lines()
        return f"{endings.why(record)} Its last lines:\n{lines}"

    async def last_lines(self) -> str:
        """The end of the container's log."""
        try:
            lines = await self.docker("logs", self.object_id, tail=LOG_LINES)
        except (APIError, requests.RequestException) as error:
            return f"(no log: {error})"
        return lines.decode("utf-8", "replace").strip() or "(it wrote nothing)"

    async def stop(self, now: bool = False) -> None:
        """Stop the container and remove what was made for it."""
        await super().stop(now)
        await self.release_network()

    async def remove_quietly(self) -> None:
        """Remove the container if it is still there; what went wrong before matters more."""
        if self.object_id:
            try:
                await self.docker("remove_container", self.object_id, v=True, force=True)
            except NotFound:
                pass
            except (APIError, requests.RequestException) as error:
                self.log.warning("Cannot remove %s: %s", self.object_name, error)
            self.object_id = ""
        await self.release_network()
