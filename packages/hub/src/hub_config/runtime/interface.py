"""What the hub needs of the place where servers run, and what that place says there is.

Docker implements it (`docker.DockerRuntime`), and so do a swarm (`swarm.SwarmRuntime`) and
Kubernetes (`kubernetes.KubernetesRuntime`).

How a container is made of a profile is the business of that runtime's own spawner
(`container_spawner`, `service_spawner`, `pod_spawner`), the child of `PlatformSpawner`. All names
are made by `names`, so that what belongs to a server can be found without having been remembered.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

Key = tuple[str, str]
"""A person's name and the name of the server, which is empty for the one without a name."""


class AwayError(Exception):
    """The runtime does not answer, or failed a call: nothing is known, nothing may be assumed."""

    place = "the Docker Engine"
    """What it is called for people."""


class NetworkError(Exception):
    """A server's network cannot be had, or is not ours to remove; the message says what to do."""


@dataclass(frozen=True)
class Place:
    """What one server's things are called."""

    user: str
    server: str
    container: str
    network: str

    @property
    def key(self) -> Key:
        """Whose it is."""
        return self.user, self.server


@dataclass(frozen=True)
class Container:
    """One server as it runs, or ended. `memory` (bytes) and `cpus` are what it is limited to and
    guaranteed, `devices` the GPUs it was given, `address` where it is on its network; `database` is
    the id of the database of the hub that made it, empty when it was made by one that did not say.
    `started` is when, as the engine writes it. `why` is why it ended, `lost` what it lost for want
    of memory; both are sentences for its person. `starved` is whether either is so for want of
    memory. `exit_code` is None while it runs.
    """

    id: str
    name: str
    user: str
    server: str
    state: str
    database: str = ""
    memory: int = 0
    cpus: float = 0.0
    started: str = ""
    networks: frozenset[str] = frozenset()
    address: str = ""
    why: str = ""
    lost: str = ""
    starved: bool = False
    exit_code: int | None = None
    devices: tuple[str, ...] = ()

    @property
    def key(self) -> Key:
        """Whose it is."""
        return self.user, self.server

    @property
    def runs(self) -> bool:
        """Whether there are processes in it; a paused one has some, too."""
        return self.state in {"running", "paused", "restarting"}

    @property
    def place(self) -> Place:
        """Its names; a container knows its network while it is attached."""
        return Place(self.user, self.server, self.name, next(iter(sorted(self.networks)), ""))


@dataclass(frozen=True)
class Usage:
    """What a container takes: bytes, without what the kernel gives back when it is asked to;
    seconds of CPU since it began, by the time `at` (seconds since 1970); processes and threads.
    """

    at: float
    memory: int
    processor: float
    processes: int
    processes_limit: int | None = None


@dataclass(frozen=True)
class Network:
    """One server's network; `lacks` are those of hub and proxy that are not on it."""

    name: str
    user: str
    server: str
    lacks: tuple[str, ...] = ()

    @property
    def key(self) -> Key:
        """Whose it is."""
        return self.user, self.server


@dataclass(frozen=True)
class Volume:
    """One home, or a group's own folder, whose `user` is what that is called. `token` is a random
    word that the database of the hub that made it knows; both `token` and `database` are empty for
    one that is older than these labels.
    """

    name: str
    user: str
    token: str = ""
    database: str = ""
    owner: str = ""


def removal(container: Container) -> str:
    """The command by which an administrator ends a container by hand."""
    return f"docker rm -f {container.name}"


@dataclass(frozen=True)
class View:
    """All that the runtime had at one moment, and the command that ends a container there."""

    containers: tuple[Container, ...] = ()
    networks: tuple[Network, ...] = ()
    volumes: tuple[Volume, ...] = ()
    folders: tuple[Volume, ...] = ()
    removal: Callable[[Container], str] = removal


class Runtime(Protocol):
    """The calls of the seam. Each may be cancelled at any moment and then returns at once: what it
    had begun goes on, and `settled` waits for it. Each raises AwayError when the runtime fails it,
    unless it says otherwise.
    """

    left_behind: Callable[[], None]
    """Called when something could not be removed; whoever reconciles listens."""
    before_end: Callable[[Container], Awaitable[None]] | None
    """Looks at a container that is about to be stopped; raises nothing."""
    seen: bool
    """Whether `known` is all there is: false until the first view."""

    @property
    def known(self) -> Mapping[str, Container]:
        """The containers by name, as they were seen last: in `view` or `look`."""

    async def view(self) -> View:
        """Everything there is now."""

    async def look(self, name: str) -> Container | None:
        """One container, None when there is none of that name."""

    async def still_runs(self, container: Container) -> bool:
        """Whether a container that ran goes on, for who asks again and again: what that costs does
        not grow with everybody. False when only a look can tell.
        """

    async def usage(self, container: Container) -> Usage | None:
        """What it takes now; None when it does not run. One that is gone is an AwayError."""

    async def last_lines(self, container: Container) -> str:
        """The end of its log. Raises nothing."""

    async def told(self, container: Container) -> list[str]:
        """What is said of its start so far, for its person."""

    def info(self) -> "Awaitable[Mapping[str, Any]]":
        """How large the place is: `MemTotal` in bytes, `NCPU`; where what is free now can be told
        by it alone, `Elsewhere` is true, and the hub's own machine is not asked.
        """

    def alone(self, name: str) -> AbstractAsyncContextManager[Any]:
        """For who ends, removes or replaces what is called `name`: one at a time."""

    async def settled(self, name: str) -> None:
        """Return when no call for the container `name` is under way any more."""

    async def connect(self, place: Place) -> str:
        """Have a network for this server, with hub and proxy on their way; returns its address."""

    async def joined(self, place: Place) -> None:
        """Return when hub and proxy can be reached there."""

    async def attach(self) -> list[str]:
        """Bring hub and proxy back to every network that lacks them; tells what was done."""

    async def end(self, container: Container, *, gently: bool = True) -> None:
        """End a container, with time to finish when `gently`, and remove it: this very one, never
        another that has its name by now."""

    async def remove_network(self, name: str) -> None:
        """Remove a server's network; none of that name is no error. Raises NetworkError."""

    async def volume(self, name: str) -> Volume | None:
        """One home, None when there is none of that name."""

    async def make_volume(self, volume: Volume) -> Volume:
        """The home of that name, made unless it is there."""

    async def remove_volume(self, name: str) -> None:
        """Remove a home for good; none of that name is no error."""
