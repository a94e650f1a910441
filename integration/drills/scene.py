"""The place where things go wrong: a platform with people on it, and what is looked at then."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import requests
from docker.models.containers import Container

from jhub_docker.catalog.identity import LABEL
from jhub_testing import histories
from jhub_testing.backups import Backups
from jhub_testing.histories import History, Running
from jhub_testing.person import Person
from jhub_testing.platforms import Platform
from jhub_testing.waiting import wait_until

from .own_engine import OwnEngine
from .people import FOLDER, IMPATIENCE, People, Worker

NAMES = ("ann", "bob", "cyd")
GPU_PROFILE = "uv-marimo-medium"
"""Its servers have one of `own_engine.GPUS` each."""

DATABASE = "jupyterhub.sqlite"
SHARES_OF_A_CPU = 1024
"""The kernel's own weight of a container (cgroups(7)): the hub promises one CPU by it."""


@contextmanager
def small_disk(place: Path, options: str) -> Iterator[dict[str, str]]:
    """A disk of its own for a volume, as the options of the volume's driver."""
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], check=True)
    try:
        yield {"type": "none", "device": str(place), "o": "bind"}
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(disk: Path) -> None:
    """Leave no byte of a disk."""
    free = os.statvfs(disk)
    at, size = 0, free.f_bavail * free.f_frsize
    with (disk / ".filler").open("wb") as file:
        while size:
            try:
                os.posix_fallocate(file.fileno(), at, size)
                at += size
            except OSError:
                size //= 2


def make_room(disk: Path) -> None:
    """Take that back."""
    (disk / ".filler").unlink(missing_ok=True)


@dataclass
class Scene:
    """A platform on an engine of its own; its data and one home are on small disks."""

    own: OwnEngine
    platform: Platform
    admin: Person
    people: People
    history: History
    data: Path
    home: Path

    @property
    def operator(self) -> Backups:
        """Whoever runs it."""
        return Backups(self.platform)

    # -- what is done to it --------------------------------------------------------------------

    def up(self, service: str) -> Container:
        """The container of a service, once it runs: the fault before may have ended it."""

        def runs() -> Container | None:
            found = self.platform.container(service)
            return found if found.attrs["State"]["Pid"] else None

        return wait_until(runs, f"{service} to run")

    def processes(self, service: str) -> list[int]:
        """The processes of a service, the first one first."""
        rows = self.up(service).top(ps_args="-eo pid")["Processes"]
        return sorted(int(row[0]) for row in rows)

    def kill(self, service: str) -> None:
        """The service's first process ends as by a power cut; nobody told the engine to stop it."""
        os.kill(int(self.up(service).attrs["State"]["Pid"]), signal.SIGKILL)

    def in_network_of(self, container: Container, *command: str) -> None:
        """Run a program of this machine in a container's network."""
        pid = str(container.attrs["State"]["Pid"])
        subprocess.run(["nsenter", "--net", "--target", pid, *command], check=True)

    def move_home(self, worker: Worker, options: dict[str, str]) -> None:
        """Put somebody's home onto a disk of its own, as an operator may."""
        worker.person.stop()
        old = self.platform.engine.client.volumes.get(self.operator.home(worker.name))
        subprocess.run(
            ["cp", "--archive", f"{old.attrs['Mountpoint']}/.", options["device"]], check=True
        )
        labels = old.attrs["Labels"]
        old.remove()
        self.platform.engine.client.volumes.create(old.name, driver_opts=options, labels=labels)
        worker.recover()

    # -- what is looked at ---------------------------------------------------------------------

    def report(self) -> dict[str, Any]:
        """What the hub finds when it compares now."""
        answer = self.admin.hub.get("api/reconcile", timeout=IMPATIENCE)
        if answer.status_code == HTTPStatus.FORBIDDEN:
            self.admin.log_in()
        answer.raise_for_status()
        return dict(answer.json())

    def running(self) -> list[Running]:
        """People's servers in the engine, with what each is and has."""
        return [self._running(one) for one in self.platform.servers() if one.status == "running"]

    def _running(self, container: Container) -> Running:
        limits = container.attrs["HostConfig"]
        volumes = [one["Name"] for one in container.attrs["Mounts"] if one.get("Name")]
        found = [self.platform.engine.client.volumes.get(name).attrs for name in volumes]
        return Running(
            container.name or "",
            container.labels[f"{LABEL}.user"],
            limits["Memory"],
            limits["CpuShares"] / SHARES_OF_A_CPU,
            tuple(one["Labels"][f"{LABEL}.user"] for one in found),
        )

    def files(self) -> dict[str, histories.Files]:
        """What is in everybody's folder, read from the engine's disk."""
        return {one.name: self._files(one) for one in self.people.workers}

    def _files(self, worker: Worker) -> histories.Files:
        volume = self.platform.engine.client.volumes.get(self.operator.home(worker.name)).attrs
        place = Path((volume["Options"] or {}).get("device", volume["Mountpoint"])) / FOLDER
        return {one.name: one.read_text("utf-8") for one in place.glob("[0-9]*.txt")}

    def disagreement(self) -> list[str]:
        """What hub, engine and promises say differently."""
        report = self.report()
        away = [f"the engine is away: {report['engine_away']}"] if report["engine_away"] else []
        return [*away, *histories.unkept_promises(report["promised"], self.running())]

    def until_agreed(self) -> None:
        """Wait until they say the same."""
        seen: list[str] = []

        def agreed() -> bool:
            seen[:] = self.disagreement()
            return not seen

        try:
            wait_until(agreed, "hub and engine to agree", ignoring=requests.RequestException)
        except AssertionError as error:
            error.add_note("\n".join(seen))
            raise

    def wrong(self, since: float) -> list[str]:
        """All that must not be, once people hold still."""
        everything, files, running = self.history.since(), self.files(), self.running()
        return [
            *histories.lost_writes(everything, files),
            *histories.strangers(everything, files),
            *histories.foreign_homes(running),
            *histories.unnamed_failures(self.history.since(since)),
        ]
