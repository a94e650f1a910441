"""Three engines on one machine as a swarm, each in a network of its own.

The session runs in namespaces of its own (`nox -s swarm`): the manager's engine has their network,
the others have one each, and nothing of it is there when the session is over. Engines that were
left running in the same namespaces are found again.
"""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from docker import DockerClient
from docker.errors import APIError

from jhub_docker.errors import ActionError
from jhub_docker.host.daemon import Daemon
from jhub_docker.nox import TEST_TAG
from jhub_docker.platform import public_images
from jhub_testing import apart
from jhub_testing.waiting import wait_until

ROOT = Path(__file__).parents[2]

MANAGER, *WORKERS = ("manager", "second", "third")
ADDRESSES = {name: f"10.98.0.{i}" for i, name in enumerate((MANAGER, *WORKERS), 1)}
REGISTRY = f"{ADDRESSES[MANAGER]}:5000"
"""Where the platform's own is published for the nodes."""

TAG = os.environ.get(TEST_TAG, "latest")
HUB, PROXY = f"local/jupyterhub-hub:{TAG}", f"local/jupyterhub-proxy:{TAG}"
MARIMO = f"local/uv-marimo:{TAG}"
IMAGES = {
    MANAGER: (HUB, PROXY, MARIMO),
    "second": (HUB, MARIMO),
    "third": (HUB,),
}
"""What each engine has: servers can run on two of them."""


def ip(*words: str) -> None:
    """Run ip(8)."""
    subprocess.run(["ip", *words], check=True)


class Node:
    """One engine."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.folder = name, folder / name
        # dockerd calls itself as its machine does, and three have one name here.
        named = ("unshare", "--uts", "sh", "-c", f'hostname {name}; exec "$@"', "sh", "dockerd")
        net = () if name == MANAGER else ("nsenter", f"--net=/run/netns/{name}")
        self.daemon = Daemon(
            socket=self.folder / "docker.sock",
            state=self.folder / "state",
            arguments=(
                *("--data-root", str(self.folder / "data")),
                *("--exec-root", str(self.folder / "exec")),
                *("--pidfile", str(self.folder / "pid")),
                *("--config-file", str(self.folder / "daemon.json")),
                "--live-restore=false",  # which a swarm excludes
            ),
            program=(*net, *named),
        )

    @property
    def host(self) -> str:
        """As DOCKER_HOST has it."""
        return f"unix://{self.daemon.socket}"

    @property
    def client(self) -> DockerClient:
        """Of this engine."""
        return DockerClient(base_url=self.host)

    @property
    def id(self) -> str:
        """By which the swarm knows it."""
        return str(self.client.info()["Swarm"]["NodeID"])

    def docker(self, *words: str) -> str:
        """The docker command at this engine."""
        command = ["docker", "--host", self.host, *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def start(self) -> None:
        """Start the engine, in a network that reaches the manager's."""
        self.folder.mkdir(parents=True, exist_ok=True)
        # Whatever this machine's engine has in its file is not for these.
        told = {"insecure-registries": [REGISTRY]}
        (self.folder / "daemon.json").write_text(json.dumps(told))
        self.daemon.start()

    def load(self, *more: str) -> None:
        """Give it its images and `more`, from the engine in use."""
        images = [*IMAGES[self.name], *more]
        given = subprocess.Popen(["docker", "save", *images], stdout=subprocess.PIPE)
        subprocess.run(
            ["docker", "--host", self.host, "load", "--quiet"], stdin=given.stdout, check=True
        )
        if given.wait():
            raise ActionError(f"the engine has not all of {', '.join(images)}; build them first")


class Swarm:
    """The three of them; entering starts what is not there."""

    def __init__(self) -> None:
        self.folder = apart.folder("swarm")
        self.nodes = {name: Node(name, self.folder) for name in ADDRESSES}
        self.shared = self.folder / "shared"
        """A folder that all three have, as machines have one by a network file system."""

    @property
    def manager(self) -> Node:
        """Where hub and proxy are."""
        return self.nodes[MANAGER]

    @property
    def registry(self) -> str:
        """The image of a registry that the engine in use has."""
        return public_images.image(ROOT, "registry")

    def __enter__(self) -> "Swarm":
        self.found = self.manager.daemon.running() is not None
        if not self.found:
            self._network()
            for node in self.nodes.values():
                node.start()
                node.load(*([self.registry] if node is self.manager else []))
            self._join()
        self.ids = {name: node.id for name, node in self.nodes.items()}
        os.environ["DOCKER_HOST"] = self.manager.host
        os.environ["JHUB_DOCKER_SOCKET"] = str(self.manager.daemon.socket)
        return self

    def _network(self) -> None:
        ip("link", "set", "lo", "up")
        Path("/run/netns").mkdir(exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run/netns"], check=True)
        ip("link", "add", "between", "type", "bridge")
        ip("addr", "add", f"{ADDRESSES[MANAGER]}/24", "dev", "between")
        ip("link", "set", "between", "up")
        for name in WORKERS:
            ip("netns", "add", name)
            ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
            ip("link", "set", name, "master", "between", "up")
            ip("-n", name, "link", "set", "lo", "up")
            ip("-n", name, "addr", "add", f"{ADDRESSES[name]}/24", "dev", "eth0")
            ip("-n", name, "link", "set", "eth0", "up")
            ip("-n", name, "route", "add", "default", "via", ADDRESSES[MANAGER])

    def _join(self) -> None:
        pool = ("--default-addr-pool", "10.97.0.0/16")
        self.manager.docker("swarm", "init", "--advertise-addr", ADDRESSES[MANAGER], *pool)
        token = self.manager.docker("swarm", "join-token", "--quiet", "worker").strip()
        for name in WORKERS:
            self.nodes[name].docker("swarm", "join", "--token", token, ADDRESSES[MANAGER])

    @contextmanager
    def drained(self, name: str) -> Iterator[None]:
        """This node has no tasks meanwhile."""
        self.set(name, "drain")
        try:
            yield
        finally:
            self.set(name, "active")

    @contextmanager
    def killed(self, name: str) -> Iterator[None]:
        """This node's engine is gone meanwhile, without a word; what it started runs on."""
        daemon = self.nodes[name].daemon
        if pid := daemon.running():
            os.kill(pid, signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitpid(pid, 0)
        wait_until(lambda: not daemon.running(), f"the end of the engine {name}")
        try:
            yield
        finally:
            daemon.start()

    @contextmanager
    def cut_off(self, name: str) -> Iterator[None]:
        """No other node hears of this worker meanwhile, nor it of them."""
        ip("link", "set", name, "down")
        try:
            yield
        finally:
            ip("link", "set", name, "up")

    def managers(self, asked: str) -> dict[str, dict[str, Any]]:
        """What the engine of a node says of those that are managers, by their names."""
        names = {id_: name for name, id_ in self.ids.items()}
        listed = self.nodes[asked].client.nodes.list(filters={"role": "manager"})
        return {names[one.id]: one.attrs["ManagerStatus"] for one in listed}

    def promote(self) -> None:
        """Have three managers, and return when each of them answers as one and reaches all."""
        self.manager.docker("node", "promote", *WORKERS)
        all_reach = ["reachable"] * len(ADDRESSES)

        def reachable() -> bool:
            said = [self.managers(name).values() for name in ADDRESSES]
            return all([one["Reachability"] for one in seen] == all_reach for seen in said)

        wait_until(reachable, "three managers", ignoring=(APIError, KeyError))

    def elected(self, asked: str, gone: str) -> str:
        """Wait until the engine of `asked` knows of another leader than the one that is gone."""

        def leader() -> str:
            leading = (name for name, one in self.managers(asked).items() if one.get("Leader"))
            return next((name for name in leading if name != gone), "")

        return wait_until(leader, f"a leader in the place of {gone}", ignoring=(APIError, KeyError))

    def told(self) -> str:
        """How nodes and tasks are, for the report of a test that failed."""
        try:
            services = self.manager.docker("service", "ls", "--quiet").split()
            tasks = self.manager.docker("service", "ps", "--no-trunc", *services)
            return self.manager.docker("node", "ls") + tasks
        except subprocess.CalledProcessError as error:
            return f"{error.stdout}{error.stderr}"

    def set(self, name: str, availability: str) -> None:
        """Whether a node takes tasks: active, pause, drain."""
        self.manager.docker("node", "update", "--availability", availability, self.ids[name])

    def wait_for_guards(self, platform: str, number: int) -> None:
        """Return when the firewall is in place on so many nodes."""
        wanted = {"name": f"{platform}_guard", "desired-state": "running"}

        def enough() -> bool:
            tasks = self.manager.client.api.tasks(filters=wanted)
            return len([one for one in tasks if one["Status"]["State"] == "running"]) >= number

        wait_until(enough, f"the firewall on {number} nodes", ignoring=APIError)

    def end_servers(self, platform: str) -> None:
        """Remove people's services, and return when nothing of them is left."""
        labels = {"label": [f"io.jhub-docker.platform={platform}", "io.jhub-docker.user"]}
        for service in self.manager.client.services.list(filters=labels):
            service.remove()
        tasks = self.manager.client.api.tasks
        wait_until(lambda: not tasks(filters=labels), "the end of all servers")

    def __exit__(self, *_: object) -> None:
        if self.found or os.environ.get("JHUB_TEST_KEEP_ENGINES"):
            return
        for node in self.nodes.values():
            with suppress(ActionError):
                node.daemon.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
