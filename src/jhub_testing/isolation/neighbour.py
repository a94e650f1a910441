"""A machine on a private network that the host is connected to, as in an office or a data centre.

It is a container without a network of Docker's, at the end of a cable to the host: the firewall's
rules for Docker's bridges do not concern it, only the one for private networks does.
"""

from importlib import resources

from docker.models.containers import Container

from jhub_testing.platforms import Platform
from jhub_testing.waiting import PATIENCE, wait_until

HERE = resources.files("jhub_testing.isolation")


class Neighbour:
    """Entering starts it; it listens at `address` on `port`."""

    port = 8099

    def __init__(self, platform: Platform) -> None:
        self.platform, self.engine = platform, platform.engine
        # Of one session, since several may run on the machine.
        number = int(self.engine.session[:3], 16)
        network = f"10.255.{number >> 4}.{(number & 15) * 16}"
        base, _, last = network.rpartition(".")
        self._host_end, self.address = f"{base}.{int(last) + 1}", f"{base}.{int(last) + 2}"
        self._interface = f"jt{self.engine.session}"[:15]

    def __enter__(self) -> "Neighbour":
        listener, cable = ((HERE / name).read_text() for name in ("listener.py", "cable.py"))
        self.machine = self._run("neighbour", listener, str(self.port), network="none")
        wait_until(lambda: b"listening" in self.machine.logs(), "the neighbour's listener")
        self.machine.reload()
        process = str(self.machine.attrs["State"]["Pid"])
        end = self._run(
            "cable", cable, self._interface, self._host_end, process, network="host", pid="host"
        )
        assert end.wait(timeout=PATIENCE)["StatusCode"] == 0, end.logs().decode()
        self.engine.remove(end)
        plugged = self.machine.exec_run(["python3", "-c", cable, "eth0", self.address])
        assert plugged.exit_code == 0, plugged.output.decode()
        return self

    def __exit__(self, *_: object) -> None:
        # The cable goes with the namespace at one of its ends.
        self.engine.remove(self.machine)

    def _run(self, name: str, code: str, *arguments: str, network: str, pid: str = "") -> Container:
        image = self.platform.container("hub").image
        assert image is not None
        container = self.engine.client.containers.run(
            image.id,
            ["python3", "-c", code, *arguments],
            entrypoint="",
            user="root",
            name=self.engine.name(name),
            labels=self.engine.labels,
            network_mode=network,
            pid_mode=pid or None,
            cap_add=["NET_ADMIN"],
            detach=True,
        )
        self.engine.watch(container)
        return container
