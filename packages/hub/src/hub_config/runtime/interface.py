"""What the place where servers run says there is; what the hub needs of it is `calls.Runtime`.

All names are made by `names`, so that what belongs to a server can be found without having been
remembered.
"""

from collections.abc import Callable
from dataclasses import dataclass

Key = tuple[str, str]
"""A person's name and the name of the server, which is empty for the one without a name."""


class AwayError(Exception):
    """The runtime does not answer, or failed a call: nothing is known, nothing may be assumed."""

    place = "the Docker Engine"
    """What it is called for people."""


class NetworkError(Exception):
    """A server's network cannot be had, or is not ours to remove; the message says what to do."""


class Somebodys:
    """What is of one server."""

    user: str
    server: str

    @property
    def key(self) -> Key:
        """Whose it is."""
        return self.user, self.server


@dataclass(frozen=True)
class Place(Somebodys):
    """What one server's things are called."""

    user: str
    server: str
    container: str
    network: str


@dataclass(frozen=True)
class Container(Somebodys):
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
class Network(Somebodys):
    """One server's network; `lacks` are those of hub and proxy that are not on it."""

    name: str
    user: str
    server: str
    lacks: tuple[str, ...] = ()


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
