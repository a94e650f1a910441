"""One person's server, wherever it runs: its start and what is told of it, whether it is there, and
its end.

What makes the container of it is the runtime's own spawner: `container_spawner` (Docker, and a
swarm's in `service_spawner`) and `pod_spawner` (Kubernetes) put this class before DockerSpawner and
KubeSpawner.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from jupyterhub.spawner import Spawner
from jupyterhub.utils import url_path_join
from traitlets import Instance, Unicode

from hub_config import counted
from hub_config.groups import Shared, SharingError
from hub_config.offer.profiles import Profile
from hub_config.runtime.calls import Runtime
from hub_config.runtime.interface import AwayError, Container, NetworkError, Place
from hub_config.settings import Settings
from hub_config.spawning.parts import Ending, Home, ServerEndedError, wait_until_answers
from hub_config.told import Stage, Stages, StartFailure

BEFORE_TIMEOUT = 2.0
"""Seconds by which this spawner's own deadline comes before JupyterHub's, to say more."""

LOOK_AT_PLACE = 0.3
"""Seconds between two looks at a server that gets its machine, home and image."""

ANOTHER = (
    "It was started after the copy of the hub's database that has come up, which cannot know it, "
    "so it was ended. Your files are there."
)


class UserServerSpawner(Spawner):
    """Starts and ends one server; a subclass says what of."""

    enforced = Instance(
        Settings, (), help="What the filter before the engine holds every call to"
    ).tag(config=True)
    group_secrets = Unicode(help="Where groups' secrets are kept").tag(config=True)
    operator = Instance(Settings, (), help="What the operator has set").tag(config=True)

    stages = Instance(Stages, ())
    ending = Unicode(help="Why the container ended by itself; for its person")
    lost = Unicode(help="What it lost for want of memory while it runs; for its person")
    address = Unicode(help="Where the container is on its network; empty before it has one")

    port: int
    object_name: Any
    """What its container is called."""
    object_id: Any
    """By what the runtime knows it; empty before it is there."""
    remember: Callable[[], None] = staticmethod(lambda: None)
    """Called when there is a container, so that a hub that ends now finds it again."""

    has_ended: Callable[[int | None, str], None] = staticmethod(lambda _code, _words: None)
    """Called with exit code and last lines of one that ended by itself, before it is removed."""

    _unfinished = False

    # -- what a subclass has -----------------------------------------------------------------

    @property
    def runtime(self) -> Runtime:
        """Where servers run; one for the whole hub."""
        raise NotImplementedError

    @property
    def place(self) -> Place:
        """What this server's things are called."""
        raise NotImplementedError

    def use_profile(self, profile: Profile) -> None:
        """Take over everything `profile` says; called once, before the start."""
        raise NotImplementedError

    async def make(self) -> None:
        """Make and start the container, with network and home. Stages are told."""
        raise NotImplementedError

    def trouble(self, error: Exception) -> StartFailure | None:
        """What to tell a person of an error of the runtime's; None for one that is not."""
        raise NotImplementedError

    # -- parts -------------------------------------------------------------------------------

    @property
    def home(self) -> Home:
        """The person's home."""
        return Home(self.user, self.enforced.user_volume_prefix, self.runtime)

    @property
    def end(self) -> Ending:
        """How this server ends."""
        return Ending(self.runtime, self.place, self.home.database)

    @property
    def shared(self) -> Shared:
        """What the person's groups share."""
        members = [group.name for group in self.user.groups]
        return Shared(
            self.operator.groups, members, Path(self.group_secrets), self.enforced.group_variables
        )

    def get_env(self) -> dict[str, str]:
        """The hub's own variables win over those of groups. Raises StartFailure."""
        own: dict[str, str] = super().get_env()
        try:
            return {**self.shared.environment(), **own}
        except SharingError as error:
            raise StartFailure(str(error)) from None

    # -- start -------------------------------------------------------------------------------

    async def start(self) -> str:
        """Start the container and return its URL once the server answers.

        Raises StartFailure with the last lines of the log when the container ends before that or
        time is up, and with the words of `trouble` when the runtime fails a call.
        It can be cancelled at any moment and then returns at once. However it ends, whatever is
        left over is the business of `stop`, which JupyterHub calls next, and of reconciling.
        """
        self._unfinished = True
        began = time.monotonic()
        try:
            await self.make()
            created = time.monotonic()
            left = self.start_timeout - BEFORE_TIMEOUT - (created - began)
            url = await self._until_it_answers(left)
        except (ServerEndedError, NetworkError) as error:
            raise StartFailure(str(error)) from None
        except TimeoutError as error:
            lines = await self.end.last_lines()
            raise StartFailure(f"{error}. Its last lines:\n{lines}") from None
        except Exception as error:
            if (told := self.trouble(error)) is None:
                raise
            self.log.error("%s: a call of its start failed: %s", self.object_name, error)
            raise told from error
        self._unfinished = False
        took = (self.object_name, created - began, time.monotonic() - created)
        self.log.info("%s: container %.2f s, server %.2f s", *took)
        return url

    async def _until_it_answers(self, seconds: float) -> str:
        self.stages.tell(Stage.SERVER)
        url: str = await self.get_url()
        api = url_path_join(url, self.server.base_url, "api")
        await wait_until_answers(api, seconds, self.end.how)
        return url

    async def placed(self) -> Container:
        """Wait until the server has an address, telling what the runtime says meanwhile.

        That takes as long as it takes to find a machine and to fetch the image; the caller's
        deadline holds. Raises StartFailure when it is gone or can never start.
        """
        told: list[str] = []
        while True:
            found = await self.runtime.look(self.object_name)
            if found is None:
                raise StartFailure(f"{self.object_name} was removed while it was starting.")
            news = (await self.runtime.told(found))[len(told) :]
            for sentence in news:
                self.stages.tell(Stage.CONTAINER, sentence)
            told += news
            if not found.runs:
                raise StartFailure(await self.end.describe(found))
            if found.address:
                return found
            await asyncio.sleep(LOOK_AT_PLACE)

    async def get_url(self) -> str:
        """Where the server is; JupyterHub asks when it was restarted during a start."""
        if self.address:
            return f"http://{self.address}:{self.port}"
        url: str = await super().get_url()
        return url

    # -- looking after it --------------------------------------------------------------------

    async def poll(self) -> int | str | None:  # noqa: PLR0911  one for each thing that can be seen
        """None while there may be something to stop, else how it ended.

        That is while the container runs, while the runtime cannot tell, and after a start that was
        not finished.
        """
        if self._unfinished:
            return None
        try:
            found = await self.runtime.look(self.object_name)
        except AwayError as error:
            self.log.warning("Cannot tell whether %s runs: %s", self.object_name, error)
            return None
        if self._unfinished:  # begun meanwhile: what is there from now on is the start's
            return None
        if found is None:
            await self.end.clear_if_possible(gently=False)
            return 0
        if self.object_id not in ("", found.id):
            # The database is an older copy: the hub lacks that one's token, so it can only end.
            self.ending = ANOTHER
            self.log.warning("%s: %s", self.object_name, ANOTHER)
            self.runtime.left_behind()
            return ANOTHER
        counted.looked_at(runs=found.runs, starved=found.starved and not self.lost)
        if found.runs:
            self.lost = found.lost
            return None
        self.ending = found.why
        how = await self.end.describe(found)
        self.log.warning("%s", how)
        self.has_ended(found.exit_code, how)
        if not self._unfinished:
            await self.end.clear_if_possible(gently=False)
        return None if self._unfinished else how

    async def still_runs(self) -> bool:
        """Whether this very container runs, as far as that can be told without a look at it."""
        known = self.runtime.known.get(self.object_name)
        if known is None or known.id != self.object_id or not known.runs:
            return False
        with suppress(AwayError):  # a look says so in the log
            return await self.runtime.still_runs(known)
        return False

    # -- the end -----------------------------------------------------------------------------

    async def stop(self, now: bool = False) -> None:
        """End the container and remove what was made for it.

        A runtime that does not do that now is no reason to raise, which would make JupyterHub
        forget the server all the same: the container is ended by reconciling, and until then it is
        reported, and counts as promised memory.
        """
        await self.end.clear_if_possible(gently=not (now or self._unfinished))
        self._unfinished = False
        self.clear_state()

    # -- state -------------------------------------------------------------------------------

    def get_state(self) -> dict[str, Any]:
        """What finds the container again, from the moment there is one."""
        state: dict[str, Any] = super().get_state()
        if self.object_id and self.address:
            state |= {"address": self.address, "port": self.port, "page": self.default_url}
        return state

    def load_state(self, state: dict[str, Any]) -> None:
        """Find the container again."""
        super().load_state(state)
        self.address = state.get("address", "")
        self.port = state.get("port", self.port)
        self.default_url = str(state.get("page", ""))
