"""One person's server as one service of a swarm.

DockerSpawner's own SwarmSpawner is not used: what it would bring (mounts, polling, waiting for a
task, a restart policy) is what this needs otherwise. Services are made and ended by the runtime.
"""

from http import HTTPStatus
from typing import Any

from hub_config import names
from hub_config.offer.profiles import Profile
from hub_config.runtime.docker import answered
from hub_config.runtime.interface import AwayError
from hub_config.runtime.networks import ServerNetworks
from hub_config.runtime.services import CPUS
from hub_config.runtime.swarm import SwarmRuntime
from hub_config.spawning import options, services
from hub_config.spawning.container_spawner import UserContainerSpawner
from hub_config.spawning.folders import named
from hub_config.told import Stage, StartFailure


class UserServiceSpawner(UserContainerSpawner):
    """Starts and ends the service of one server."""

    object_type = "service"
    object_id_key = "ID"
    runtime: SwarmRuntime

    profile: Profile

    def make_runtime(self, networks: ServerNetworks) -> SwarmRuntime:
        """A swarm."""
        networks.overlay = True
        return SwarmRuntime(networks, self.operator.docker_threads)

    def use_profile(self, profile: Profile) -> None:
        """Take over everything `profile` says; called once, before the start."""
        super().use_profile(profile)
        self.profile = profile

    async def make(self) -> None:
        """Make network, home and service; returns when the server has an address."""
        place, operator = self.place, self.enforced
        _, home = await self.begin()
        node, mount = await self.runtime.home(home)
        self.stages.tell(Stage.CONTAINER)
        labels = {**self.extra_create_kwargs["labels"], names.NAME: place.container}
        labels[CPUS] = str(self.profile.cpu_guarantee or 0)
        command = await self.get_command()
        template = services.template(
            self.profile,
            operator,
            container={
                "Image": self.image,
                "Labels": labels,
                "Env": [f"{name}={value}" for name, value in self.get_env().items()],
                **({"Args": command} if command else {}),
            },
            mounts=[
                {"Type": "volume", "Target": options.HOME, **mount},
                *services.folders(operator, named(self.user.groups, self.operator)),
                *services.bundle(operator),
            ],
            network=place.network,
            node=node,
        )
        more: dict[str, Any] = {"labels": labels, "endpoint_spec": services.NO_ADDRESS}
        with answered():
            made = await self.docker("create_service", template, place.container, **more)
        self.object_id = made[self.object_id_key]
        self.remember()
        self.address = (await self.placed()).address
        self.remember()
        await self.runtime.joined(place)

    def trouble(self, error: Exception) -> StartFailure | None:
        """What the runtime says of machines itself is said as it is."""
        if isinstance(error, AwayError) and error.__cause__ is None:
            return StartFailure(str(error), status_code=HTTPStatus.SERVICE_UNAVAILABLE)
        return super().trouble(error)
