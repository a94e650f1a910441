"""One person's server as one container: what it is made of, and its start, stage by stage.

Which profile it is, and whether there may be a server at all, is decided in `profile_spawner`;
looking after the container and its end are in `engine_spawner`.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import requests
from docker.errors import DockerException
from jupyterhub.utils import url_path_join
from traitlets import Instance, default

from hub_config.lifetimes import homes
from hub_config.networks.server_networks import NetworkError
from hub_config.sharing.spawner import SharingSpawner
from hub_config.spawning.container import disk_limit, engine_trouble, names, options
from hub_config.spawning.container.readiness import ServerEndedError, wait_until_answers
from hub_config.spawning.offer.profiles import Profile
from hub_config.spawning.refusal import StartFailure
from hub_config.spawning.stages import Event, Stage, Stages

BEFORE_TIMEOUT = 2.0
"""Seconds by which this spawner's own deadline comes before JupyterHub's, to say more."""


class UserContainerSpawner(SharingSpawner):
    """Starts the container of one server."""

    stages = Instance(Stages, ())

    # -- what the container is ---------------------------------------------------------------

    @default("object_name")
    def _object_name_default(self) -> str:
        return names.container(self.enforced.container_prefix, self.user.name, self.name)

    @property
    def home_volume(self) -> str:
        """Name of the person's home volume."""
        return homes.claim(self.user.db, self.user.name, self.enforced.user_volume_prefix).volume

    def use_profile(self, profile: Profile) -> None:
        """Take over everything `profile` says; called once, before the start."""
        self.image = profile.image
        self.port = profile.port
        self.default_url = profile.default_url
        self.mem_limit = profile.memory
        self.cpu_limit = profile.cpu_limit
        self.cpu_guarantee = profile.cpu_guarantee
        operator = self.enforced
        self.environment: dict[str, Any] = self.environment | options.environment(profile, operator)
        self.volumes = {self.home_volume: options.HOME}
        bundle = operator.ca_bundle
        self.read_only_volumes = {bundle: options.CA_BUNDLE} if bundle else {}
        self.extra_host_config = options.host_config(profile, operator)
        create: dict[str, Any] = {"labels": self._labels(profile.key)}
        if options.starts_as_root(profile, operator):
            create["user"] = "root"
        self.extra_create_kwargs = create

    def _labels(self, profile: str) -> dict[str, str]:
        return options.labels(self.enforced.platform, self.user.name, self.name, profile)

    async def get_command(self) -> list[str] | None:
        """The image's own command, without asking the engine for it."""
        return [*self.cmd, *self.get_args()] if self.cmd else None

    # -- start -------------------------------------------------------------------------------

    async def start(self) -> str:
        """Start the container and return its URL once the server answers.

        Raises StartFailure with the last lines of the log when the container ends before that or
        time is up, and with words of `engine_trouble` when the engine or the filter fails a call.
        However it fails, also when it is cancelled, no container stays behind.
        """
        began = time.monotonic()
        try:
            self.stages.tell(Stage.NETWORK)
            await self.ensure_network()
            self.stages.tell(Stage.VOLUME)
            await self._make_home()
            await self._limit_disk()
            self.volumes |= await self.shared_folders("read-write")
            self.read_only_volumes |= await self.shared_folders("read-only")
            self.stages.tell(Stage.CONTAINER)
            ip, port = await super().start()
            await self.network_joined()
            self.stages.tell(Stage.SERVER)
            url = f"http://{ip}:{port}"
            created = time.monotonic()
            left = self.start_timeout - BEFORE_TIMEOUT - (created - began)
            prefix = self.server.base_url
            await wait_until_answers(url_path_join(url, prefix, "api"), left, self.how_it_ended)
        except (ServerEndedError, NetworkError) as error:
            await self.remove_quietly()
            raise StartFailure(str(error)) from None
        except TimeoutError as error:
            message = f"{error}. Its last lines:\n{await self.last_lines()}"
            await self.remove_quietly()
            raise StartFailure(message) from None
        except (DockerException, requests.RequestException) as error:
            self.log.error("%s: the engine failed a call of its start: %s", self.object_name, error)
            await self.remove_quietly()
            raise engine_trouble.failure(error) from error
        except BaseException:
            await self.remove_quietly()
            raise
        self.log.info(
            "%s: container %.2f s, server %.2f s",
            self.object_name,
            created - began,
            time.monotonic() - created,
        )
        return url

    async def _make_home(self) -> None:
        """Make the home volume, with labels; an existing one stays as it is."""
        labels = self._labels("")
        kept = {key: labels[key] for key in (f"{options.LABEL}.platform", f"{options.LABEL}.user")}
        await self.docker("create_volume", self.home_volume, labels=kept)

    async def _limit_disk(self) -> None:
        """Limit what the container writes beside the home, where the engine can."""
        limit = self.enforced.disk_limit_gb
        if not limit:
            return
        info = await self.docker("info")
        if told := disk_limit.notice(limit, info):
            self.log.warning("%s", told)
        if storage := disk_limit.storage_opt(limit, info):
            self.extra_host_config["storage_opt"] = storage

    async def create_object(self) -> Any:
        """Create the container. When cancelled meanwhile, learn its id, so that it gets removed."""
        creating = asyncio.ensure_future(super().create_object())
        try:
            return await asyncio.shield(creating)
        except asyncio.CancelledError:
            self.object_id = (await creating)[self.object_id_key]
            raise

    async def progress(self) -> AsyncIterator[Event]:
        """The stages as they come."""
        async for event in self.stages.watch():
            yield event
