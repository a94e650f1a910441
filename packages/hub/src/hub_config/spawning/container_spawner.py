"""One person's server as one container: DockerSpawner with limits, quick start and clear ends.

Which profile it is, and whether there may be a server at all, is decided in `profile_spawner`.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests
from docker.errors import APIError, NotFound
from dockerspawner import DockerSpawner
from jupyterhub.utils import url_path_join
from traitlets import Int, Unicode, default

from hub_config.spawning import container_options as options
from hub_config.spawning import names
from hub_config.spawning.profiles import Profile
from hub_config.spawning.readiness import ServerEndedError, wait_until_answers
from hub_config.spawning.refusal import StartFailure

LOG_LINES = 20
"""Lines of a container's log that are kept when it ended by itself."""

BEFORE_TIMEOUT = 2.0
"""Seconds by which this spawner's own deadline comes before JupyterHub's, to say more."""


class UserContainerSpawner(DockerSpawner):
    """Starts, watches and removes the container of one server."""

    platform = Unicode(help="Name of the platform, a label on all it makes").tag(config=True)
    home_volume_prefix = Unicode("jupyterhub-user-", help="Prefix of home volumes").tag(config=True)
    docker_threads = Int(16, help="Simultaneous calls to the Docker Engine").tag(config=True)
    pids_limit = Int(4096, help="Processes and threads per server").tag(config=True)
    nb_uid = Int(None, allow_none=True, help="Person's user id").tag(config=True)
    nb_gid = Int(None, allow_none=True, help="Person's group id").tag(config=True)
    ca_bundle = Unicode(help="CA bundle on the Docker host for all servers").tag(config=True)

    stage = Unicode("Preparing the server")

    remove = True
    use_internal_ip = True
    pull_policy = "skip"
    _shared_executor: ThreadPoolExecutor | None = None

    @property
    def executor(self) -> ThreadPoolExecutor:
        """Threads for calls to the engine: with DockerSpawner's single one, one slow call of one
        person would hold up everybody's.
        """
        cls = UserContainerSpawner
        if cls._shared_executor is None:
            cls._shared_executor = ThreadPoolExecutor(self.docker_threads, "docker")
        return cls._shared_executor

    @default("client_kwargs")
    def _one_connection_per_thread(self) -> dict[str, Any]:
        return {"max_pool_size": self.docker_threads}

    # -- what the container is ---------------------------------------------------------------

    @property
    def operator(self) -> options.Operator:
        """The operator's settings for every container."""
        return options.Operator(self.pids_limit, self.nb_uid, self.nb_gid)

    @default("object_name")
    def _object_name_default(self) -> str:
        return names.container(self.prefix, self.user.name, self.name)

    @property
    def home_volume(self) -> str:
        """Name of the person's home volume."""
        return names.home_volume(self.home_volume_prefix, self.user.name)

    def use_profile(self, profile: Profile) -> None:
        """Take over everything `profile` says; called once, before the start."""
        self.image = profile.image
        self.port = profile.port
        self.default_url = profile.default_url
        self.mem_limit = profile.memory
        self.cpu_limit = profile.cpu_limit
        self.cpu_guarantee = profile.cpu_guarantee
        operator = self.operator
        self.environment: dict[str, Any] = self.environment | options.environment(profile, operator)
        self.volumes = {self.home_volume: options.HOME}
        if self.ca_bundle:
            self.read_only_volumes = {self.ca_bundle: options.CA_BUNDLE}
        self.extra_host_config = options.host_config(profile, operator)
        create: dict[str, Any] = {"labels": self._labels(profile.key)}
        if options.starts_as_root(profile, operator):
            create["user"] = "root"
        self.extra_create_kwargs = create

    def _labels(self, profile: str) -> dict[str, str]:
        return options.labels(self.platform, self.user.name, self.name, profile)

    async def get_command(self) -> list[str] | None:
        """The image's own command, without asking the engine for it."""
        return [*self.cmd, *self.get_args()] if self.cmd else None

    # -- start -------------------------------------------------------------------------------

    async def start(self) -> str:
        """Start the container and return its URL once the server answers.

        Raises StartFailure with the last lines of the log when the container ends before that or
        time is up. However it fails, also when it is cancelled, no container stays behind.
        """
        began = time.monotonic()
        try:
            self.stage = "Creating the container"
            await self._make_home()
            ip, port = await super().start()
            self.stage = "Waiting for the server to answer"
            url = f"http://{ip}:{port}"
            created = time.monotonic()
            left = self.start_timeout - BEFORE_TIMEOUT - (created - began)
            prefix = self.server.base_url
            await wait_until_answers(url_path_join(url, prefix, "api"), left, self._how_it_ended)
        except ServerEndedError as error:
            await self._remove_quietly()
            raise StartFailure(str(error)) from None
        except TimeoutError as error:
            message = f"{error}. Its last lines:\n{await self._last_lines()}"
            await self._remove_quietly()
            raise StartFailure(message) from None
        except BaseException:
            await self._remove_quietly()
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

    async def create_object(self) -> Any:
        """Create the container. When cancelled meanwhile, learn its id, so that it gets removed."""
        creating = asyncio.ensure_future(super().create_object())
        try:
            return await asyncio.shield(creating)
        except asyncio.CancelledError:
            self.object_id = (await creating)[self.object_id_key]
            raise

    async def progress(self) -> AsyncIterator[dict[str, Any]]:
        """Say what is going on; JupyterHub ends this when the server is ready."""
        yield {"progress": 20, "message": self.stage}

    # -- how it goes on and ends -------------------------------------------------------------

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
            return 0
        if record["State"]["Running"]:
            return None
        how = await self._describe_end(record)
        self.log.warning("%s", how)
        await self._remove_quietly()
        return how

    async def _how_it_ended(self) -> str | None:
        """For a server that is starting: how its container ended, None while it runs."""
        try:
            record = await self.get_object()
        except (APIError, requests.RequestException):
            return None
        if record is None:
            return f"The container {self.object_name} was removed while its server was starting."
        return None if record["State"]["Running"] else await self._describe_end(record)

    async def _describe_end(self, record: dict[str, Any]) -> str:
        state = record["State"]
        reason = f"exit code {state['ExitCode']}"
        if state.get("OOMKilled"):
            reason = "it needed more memory than its profile allows"
        lines = await self._last_lines()
        return f"The container {self.object_name} ended: {reason}. Its last lines:\n{lines}"

    async def _last_lines(self) -> str:
        """The end of the container's log."""
        try:
            lines = await self.docker("logs", self.object_id, tail=LOG_LINES)
        except (APIError, requests.RequestException) as error:
            return f"(no log: {error})"
        return lines.decode("utf-8", "replace").strip() or "(it wrote nothing)"

    async def _remove_quietly(self) -> None:
        """Remove the container if it is still there; what went wrong before matters more."""
        if not self.object_id:
            return
        try:
            await self.docker("remove_container", self.object_id, v=True, force=True)
        except NotFound:
            pass
        except (APIError, requests.RequestException) as error:
            self.log.warning("Cannot remove %s: %s", self.object_name, error)
        self.object_id = ""
