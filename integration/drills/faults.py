"""What goes wrong, each a small object: what it hits, how it begins and how it is over.

`inject` returns once it holds; `heal` takes it away, and does nothing that would help the platform
beyond that; a fault that an operator mends is mended as docs/operations.md says.
"""

import os
import signal
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

from docker.errors import APIError
from docker.models.containers import Container

from jhub_testing.locked import database_locked
from jhub_testing.waiting import wait_until

from .scene import DATABASE, Scene, fill, make_room


@dataclass
class Fault(ABC):
    """One fault; `service` is what it hits."""

    service: str = ""
    lost: str = "nothing"
    """What is lost by it, as the table says; people's files never are."""

    @property
    def who(self) -> str:
        """What people call it; `engine` is the filter before the engine, in compose.yaml."""
        return "filter" if self.service == "engine" else self.service

    @property
    @abstractmethod
    def title(self) -> str:
        """A few words, as in the table."""

    @abstractmethod
    def inject(self, scene: Scene) -> None:
        """Begin."""

    def heal(self, scene: Scene) -> None:  # noqa: B027 - many need nothing
        """End."""


class Killed(Fault):
    """The first process ends as by a power cut; the engine starts the container again."""

    @property
    def title(self) -> str:
        return f"{self.who} killed"

    def inject(self, scene: Scene) -> None:
        scene.kill(self.service)


class Paused(Fault):
    """The kernel's freezer stops all processes, as `docker pause` does it."""

    @property
    def title(self) -> str:
        return f"{self.who} frozen (`docker pause`)"

    def inject(self, scene: Scene) -> None:
        def paused() -> bool:
            scene.up(self.service).pause()
            return True

        # On a busy machine the kernel may not freeze it at once.
        wait_until(paused, f"{self.who} to freeze", ignoring=APIError)

    def heal(self, scene: Scene) -> None:
        scene.platform.container(self.service).unpause()


@dataclass
class Stopped(Fault):
    """Every process gets SIGSTOP."""

    processes: list[int] = field(default_factory=list)

    @property
    def title(self) -> str:
        return f"{self.who} frozen (SIGSTOP)"

    def inject(self, scene: Scene) -> None:
        self.processes = scene.processes(self.service)
        self._signal(signal.SIGSTOP)

    def heal(self, scene: Scene) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        for process in self.processes:
            with suppress(ProcessLookupError):
                os.kill(process, number)


@dataclass
class Loss(Fault):
    """The network of a container loses packets, in and out: all of them, or a share."""

    percent: int = 100
    container: Container | None = None

    @property
    def title(self) -> str:
        if self.percent == 100:
            return f"{self.who} cut off the network"
        return f"{self.who} loses {self.percent} % of its packets"

    def rules(self, how: str) -> list[list[str]]:
        share = ["-m", "statistic", "--mode", "random", "--probability", str(self.percent / 100)]
        ways = (("INPUT", "-i"), ("OUTPUT", "-o"))
        return [
            ["iptables", how, chain, "!", way, "lo", *share, "-j", "DROP"] for chain, way in ways
        ]

    def inject(self, scene: Scene) -> None:
        self.container = scene.up(self.service)
        for rule in self.rules("-I"):
            scene.in_network_of(self.container, *rule)

    def heal(self, scene: Scene) -> None:
        assert self.container
        for rule in self.rules("-D"):
            scene.in_network_of(self.container, *rule)


class DataFull(Fault):
    """The data volume has no byte left."""

    title = "data volume full"

    def inject(self, scene: Scene) -> None:
        fill(scene.data)

    def heal(self, scene: Scene) -> None:
        make_room(scene.data)


class HomeFull(Fault):
    """One person's home has no byte left."""

    title = "one home full"

    def inject(self, scene: Scene) -> None:
        fill(scene.home)

    def heal(self, scene: Scene) -> None:
        make_room(scene.home)


ALLOCATE = "x = bytearray(2**30)"
PLENTY = 2**40


class OutOfMemory(Fault):
    """The kernel ends the hub since its container has no memory left."""

    title = "hub out of memory"

    def inject(self, scene: Scene) -> None:
        hub = scene.platform.container("hub")
        used = hub.stats(stream=False)["memory_stats"]["usage"]
        limit = used + 100 * 2**20
        hub.update(mem_limit=limit, memswap_limit=limit)
        before = hub.attrs["State"]["StartedAt"]
        for process in scene.processes("hub"):
            # The one that takes too much is not the one that goes: as with a neighbour's leak.
            place = Path("/proc") / str(process)
            with suppress(OSError):
                is_hub = b"bin/jupyterhub\0" in (place / "cmdline").read_bytes()
                (place / "oom_score_adj").write_text("1000" if is_hub else "0")
        hub.exec_run(["python", "-c", ALLOCATE])

        def gone() -> bool:
            hub.reload()
            return bool(hub.attrs["State"]["StartedAt"] != before or hub.status != "running")

        wait_until(gone, "the kernel to end the hub")

    def heal(self, scene: Scene) -> None:
        # There is no call for "none".
        scene.platform.container("hub").update(mem_limit=PLENTY, memswap_limit=PLENTY)


@dataclass
class DatabaseLocked(Fault):
    """Another program has the database for itself."""

    title = "database locked"
    holding: ExitStack = field(default_factory=ExitStack)

    def inject(self, scene: Scene) -> None:
        self.holding.enter_context(database_locked(scene.platform))

    def heal(self, scene: Scene) -> None:
        self.holding.close()


@dataclass
class DatabaseSpoilt(Fault):
    """The database's file is damaged and the hub is killed: an operator brings it back."""

    how: str = "truncated"
    lost: str = "what the hub learnt after the last backup"

    @property
    def title(self) -> str:
        return f"database {self.how} and hub killed; `restore --hub`"

    def inject(self, scene: Scene) -> None:
        scene.operator.invoke("backup", "--hub")
        database = scene.data / DATABASE
        size = database.stat().st_size
        with database.open("r+b") as file:
            if self.how == "truncated":
                file.truncate(size // 2)
            else:
                file.write(os.urandom(size))
        scene.kill("hub")

    def heal(self, scene: Scene) -> None:
        scene.operator.invoke("restore", "--hub", "--yes")


@dataclass
class DataGone(Fault):
    """All that was in the data volume is gone and the hub is killed: it begins as a new one."""

    title = "data volume emptied and hub killed; `restore --hub`"
    lost: str = "what the hub learnt after the last backup"

    def inject(self, scene: Scene) -> None:
        scene.operator.invoke("backup", "--hub")
        subprocess.run(["find", str(scene.data), "-mindepth", "1", "-delete"], check=True)
        scene.kill("hub")

    def heal(self, scene: Scene) -> None:
        scene.operator.invoke("restore", "--hub", "--yes")


SERVICES = ("hub", "proxy", "engine", "guard")

KINDS: tuple[Callable[[str], Fault], ...] = (Killed, Paused, Stopped)
"""What is done to any of them at random."""

EACH: tuple[Fault, ...] = (
    *(kind(service) for service in SERVICES for kind in (Killed, Paused)),
    Loss("hub"),
    Loss("proxy", percent=30),
    DataFull(),
    HomeFull(),
    OutOfMemory(),
    DatabaseLocked(),
    DatabaseSpoilt(how="truncated"),
    DatabaseSpoilt(how="full of garbage"),
    DataGone(),
)
