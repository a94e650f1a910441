"""The end of one server: its container and network removed, at once or by reconciling."""

import asyncio
import logging

from hub_config.networks.server_networks import NetworkError
from hub_config.runtime.docker import DockerRuntime
from hub_config.runtime.interface import AwayError, Container, Place
from hub_config.spawning.refusal import StartFailure

PATIENCE = 30.0
"""Seconds a stop waits for the engine: the ten that a server has to finish, and as many again."""

SOMEBODY_ELSES = (
    "The container {name} is there and was made with another database of this platform, so nothing "
    "was started. Tell an administrator: the hub's log and the page Homes say more."
)

log = logging.getLogger(__name__)


class Ending:
    """How the server at `place` ends; `database` is the id of the hub's database."""

    def __init__(self, runtime: DockerRuntime, place: Place, database: str) -> None:
        self.runtime, self.place, self.database = runtime, place, database

    async def clear(self, *, gently: bool, network: bool = True) -> None:
        """Remove this server's container, and its network, with all that is just being made.

        Raises StartFailure for a container that another database's hub made: its person may be at
        work in it. Raises AwayError, and NetworkError for a network that is not the platform's.
        """
        name = self.place.container
        async with self.runtime.alone(name):
            await self.runtime.settled(name)
            if found := await self.runtime.look(name):
                if found.database not in ("", self.database):
                    raise StartFailure(SOMEBODY_ELSES.format(name=name), status_code=409)
                await self.runtime.end(found, gently=gently)
            if network:
                await self.runtime.remove_network(self.place.network)

    async def clear_if_possible(self, *, gently: bool) -> None:
        """The same; what cannot be removed now is logged, and left to reconciling."""
        try:
            async with asyncio.timeout(PATIENCE):
                await self.clear(gently=gently)
        except (AwayError, NetworkError, StartFailure, TimeoutError) as error:
            log.error(
                "%s: not ended yet, it is as soon as the engine does it: %s",
                self.place.container,
                error or f"no answer within {PATIENCE:g} seconds",
            )
            self.runtime.left_behind()

    async def how(self) -> str | None:
        """For a server that is starting: how its container ended, None while it runs."""
        name = self.place.container
        try:
            found = await self.runtime.look(name)
        except AwayError:
            return None
        if found is None:
            return f"The container {name} was removed while its server was starting."
        return None if found.runs else await self.describe(found)

    async def last_lines(self) -> str:
        """What a container that is known wrote last."""
        found = self.runtime.known.get(self.place.container)
        return await self.runtime.last_lines(found) if found else "(it has no container)"

    async def describe(self, container: Container) -> str:
        """Why the container ended, and the last lines it wrote."""
        return f"{container.why} Its last lines:\n{await self.runtime.last_lines(container)}"
