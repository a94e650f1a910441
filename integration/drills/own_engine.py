"""An engine of the drills' own: they restart it, fill its disk and cut its networks.

The session runs in namespaces of its own (`nox -s drills`), so that nothing of it reaches another
engine on this machine, and all of it is gone when the session is. Images come from the engine in
use. Its data are on a disk of their own, a file, which can be full.
"""

import json
import os
import shutil
import socket
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

from jhub_docker.engine import restarts
from jhub_docker.errors import ActionError
from jhub_docker.host.daemon import Daemon
from jhub_docker.nox import TEST_TAG
from jhub_testing import apart

IMAGES = ("jupyterhub-hub", "jupyterhub-proxy", "jupyterhub-backup", "uv-marimo")
SIZE = 12 * 2**30
"""Bytes of the disk; what is not used of it takes no room."""

GPUS = ["test.example/gpu=0", "test.example/gpu=1"]
"""Devices of a made-up CDI specification."""

INSIDE = ("lo", "docker0", "br-", "jh-", "veth", "dummy", "sit", "tunl")
"""How interfaces are called that a namespace of its own has."""


class OwnEngine:
    """One dockerd; its folder is named after the namespaces, so that it is found there again."""

    def __init__(self) -> None:
        """Raises ActionError in the machine's own network: two engines would fight over it."""
        outside = [name for _, name in socket.if_nameindex() if not name.startswith(INSIDE)]
        if outside:
            raise ActionError(f"run the drills by `./dev nox -s drills`: here is {outside[0]}")
        self.folder = apart.folder("drills")
        self.daemon = Daemon(
            socket=self.folder / "docker.sock",
            state=self.folder / "state",
            arguments=(
                *("--data-root", str(self.root), "--exec-root", str(self.folder / "exec")),
                *("--pidfile", str(self.folder / "pid")),
                *("--config-file", str(self.folder / "daemon.json")),
            ),
        )

    @property
    def root(self) -> Path:
        """Where its disk is mounted."""
        return self.folder / "data"

    def __enter__(self) -> "OwnEngine":
        self.found = self.daemon.running() is not None
        if not self.found:
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
            self.root.mkdir(parents=True)
            self._configure()
            disk = self.folder / "disk"
            with disk.open("wb") as file:
                file.truncate(SIZE)
            subprocess.run(["mkfs.ext4", "-q", "-m", "0", str(disk)], check=True)
            subprocess.run(["mount", "-o", "loop", str(disk), str(self.root)], check=True)
            self.daemon.start()
            self._load()
        os.environ["DOCKER_HOST"] = f"unix://{self.daemon.socket}"
        os.environ["JHUB_DOCKER_SOCKET"] = str(self.daemon.socket)
        return self

    def __exit__(self, *_: object) -> None:
        if self.found:
            return
        with suppress(ActionError):
            self.daemon.stop()
        # Its shims go with the namespaces; until then they hold the disk.
        subprocess.run(["umount", "--lazy", str(self.root)], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _configure(self) -> None:
        """As the machine's own engine, and with devices by CDI, which are off by default before
        Docker Engine 28.2.
        """
        specifications = self.folder / "cdi"
        specifications.mkdir()
        (specifications / "gpus.json").write_text(json.dumps(specification()))
        own = {"features": {"cdi": True}, "cdi-spec-dirs": [str(specifications)]}
        (self.folder / "daemon.json").write_text(json.dumps(restarts.configuration() | own))

    def _load(self) -> None:
        tag = os.environ.get(TEST_TAG, "latest")
        images = [f"local/{name}:{tag}" for name in IMAGES]
        given = subprocess.Popen(["docker", "save", *images], stdout=subprocess.PIPE)
        own = {**os.environ, "DOCKER_HOST": f"unix://{self.daemon.socket}"}
        subprocess.run(["docker", "load", "--quiet"], stdin=given.stdout, env=own, check=True)
        if given.wait():
            raise ActionError(f"the engine has not all of {', '.join(images)}; build them first")


def specification() -> dict[str, Any]:
    """GPUs that are /dev/zero (Container Device Interface, SPEC.md 0.5.0)."""
    kind = GPUS[0].partition("=")[0]
    return {
        "cdiVersion": "0.5.0",
        "kind": kind,
        "devices": [
            {
                "name": name,
                "containerEdits": {
                    "env": [f"FAKE_GPU={name}"],
                    "deviceNodes": [{"path": f"/dev/fake-gpu{name}", "hostPath": "/dev/zero"}],
                },
            }
            for name in (one.removeprefix(f"{kind}=") for one in GPUS)
        ],
    }
