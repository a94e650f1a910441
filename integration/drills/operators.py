"""What goes wrong while an operator is at it, and with the engine below everything."""

import json
import os
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass

from docker.errors import NotFound
from docker.models.images import Image

from jhub_docker.errors import ActionError
from jhub_docker.host import programs
from jhub_testing import hub_images
from jhub_testing.operator import begun, killed_at
from jhub_testing.waiting import wait_until

from .faults import Fault
from .scene import Scene, fill, make_room


class EngineRestarted(Fault):
    """The engine ends and starts again; what runs goes on."""

    title = "engine restarted"

    def inject(self, scene: Scene) -> None:
        scene.own.daemon.stop()

    def heal(self, scene: Scene) -> None:
        scene.own.daemon.start()


class EngineKilled(EngineRestarted):
    """The engine is killed, and started again by its service."""

    title = "engine killed"

    def heal(self, scene: Scene) -> None:
        (scene.own.folder / "pid").unlink(missing_ok=True)  # as systemd does
        super().heal(scene)

    def inject(self, scene: Scene) -> None:
        pid = scene.own.daemon.running()
        assert pid
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: scene.own.daemon.running() is None, "the engine to be gone")


class EngineFull(Fault):
    """The disk with images, containers and homes has no byte left."""

    title = "engine's disk full"

    def inject(self, scene: Scene) -> None:
        fill(scene.own.root)

    def heal(self, scene: Scene) -> None:
        make_room(scene.own.root)


@dataclass
class ClockOff(Fault):
    """The hub's clock is an hour ahead of everybody else's, or behind; its container starts for it.

    A time namespace of the kernel does not do: it has no wall clock (time_namespaces(7)).
    """

    hours: int = 1

    @property
    def title(self) -> str:
        return f"hub's clock an hour {'ahead' if self.hours > 0 else 'behind'}"

    def inject(self, scene: Scene) -> None:
        hub = {
            "volumes": [f"{programs.program('libfaketime')}:/run/libfaketime.so:ro"],
            "environment": {
                "LD_PRELOAD": "/run/libfaketime.so",
                "FAKETIME": f"{self.hours * 3600:+d}",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            },
        }
        more = scene.own.folder / "clock.yaml"
        more.write_text(json.dumps({"services": {"hub": hub}}))
        is_anew(scene, "--file", str(more))
        said = scene.platform.container("hub").exec_run(["date", "+%s"]).output
        assert abs(int(said) - time.time() - self.hours * 3600) < 1800, said

    def heal(self, scene: Scene) -> None:
        is_anew(scene)


def is_anew(scene: Scene, *options: str) -> None:
    """The hub in a new container; the old one's last words are shown where the drill fails."""
    with suppress(ActionError):  # a disk that was full may have left a log that cannot be read
        print(scene.platform.compose("logs", "--no-color", "--no-log-prefix", "--tail=400", "hub"))
    scene.platform.compose(*options, "up", "--detach", "--no-deps", "hub")


@dataclass
class BackupsKilled(Fault):
    """What works on backups is killed as soon as it works; then done once more."""

    task: tuple[str, ...] = ("backup",)
    again: tuple[str, ...] = ("backup",)

    @property
    def title(self) -> str:
        return f"`{self.task[0]}` killed"

    def inject(self, scene: Scene) -> None:
        worker = f"{scene.platform.project}-backup-worker"
        client = scene.platform.engine.client

        def killed() -> bool:
            with suppress(NotFound):
                found = client.containers.get(worker)
                if found.status == "running":
                    found.kill()
                    return True
            return started.poll() is not None

        if self.task != self.again:
            scene.operator.invoke(*self.again)
        with begun(scene.platform, *self.task) as started:
            wait_until(killed, "the worker")
            said, more = started.communicate()
        assert started.returncode == 1, f"{said}{more}"
        assert "Traceback" not in more, more

    def heal(self, scene: Scene) -> None:
        scene.operator.invoke(*self.again)
        assert "are sound" in scene.operator.invoke("backup.verify")


SLOW = """
def _slow(connection):
    from time import sleep
    connection.execute(text("CREATE TABLE platform_slow (x INT)"))
    seen = Path("/srv/jupyterhub/.half-way")
    if not seen.exists():
        seen.touch()
        sleep(3600)
STEPS = (*STEPS, _slow)
"""
"""A release whose step of the database stops half way, the first time."""


def is_built(scene: Scene, more: str) -> Image:
    """A next release of the hub, by the platform's tag; the one before."""
    tag, images = scene.platform.environment["JHUB_IMAGE_TAG"], scene.platform.engine.client.images
    before = images.get(f"{hub_images.HUB}:{tag}")
    made = hub_images.changed(scene.platform.engine, str(before.id), "database", more)
    images.get(made).tag(hub_images.HUB, tag)
    return before


class UpgradeKilled(Fault):
    """`invoke upgrade` is killed while the next hub starts; the next `up` goes on with it."""

    title = "`upgrade` killed"

    def inject(self, scene: Scene) -> None:
        is_built(scene, hub_images.STEP)
        # The doctor wants a gigabyte free before an upgrade (JD005).
        subprocess.run(["mount", "-o", "remount,size=2g", str(scene.data)], check=True)
        killed_at(scene.platform, "starting the platform", "upgrade", "--no-build")

    def heal(self, scene: Scene) -> None:
        scene.operator.invoke("up", "--no-build")


class MigrationKilled(Fault):
    """The next hub is killed in the middle of a step of the database."""

    title = "hub killed in a migration"

    def inject(self, scene: Scene) -> None:
        before = is_built(scene, SLOW)
        is_anew(scene)
        before.tag(hub_images.HUB, scene.platform.environment["JHUB_IMAGE_TAG"])
        wait_until((scene.data / ".half-way").exists, "the step to be half way")

    def heal(self, scene: Scene) -> None:
        scene.kill("hub")


OF_ENGINE: tuple[Fault, ...] = (
    EngineRestarted(),
    EngineKilled(),
    EngineFull(),
    ClockOff(),
    ClockOff(hours=-1),
    BackupsKilled(),
    BackupsKilled(task=("restore", "--user=cyd", "--servers", "--yes")),
    UpgradeKilled(),
    MigrationKilled(),
)
