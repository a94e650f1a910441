"""How long a server takes from its network to its task, the more overlays there are.

No test: it measures what docs/swarm.md says of it, by
`./dev nox -s swarm -- --capture=no integration/swarm/overlays.py`. As the hub does it, each server
is a service on an overlay of its own, which two containers of the manager join; the servers do
nothing, on the second node, so that what is measured is the swarm and not the images.
"""

import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Network
from itertools import islice
from typing import Any

from docker.types import IPAMConfig, IPAMPool

from jhub_testing.waiting import wait_until

from .nodes import MARIMO, Swarm

POOL = IPv4Network("10.99.0.0/16")
STEPS = (10, 50, 100, 200)
"""Overlays, each with its server, at which it is measured."""
ALIKE = 5
"""Starts at each step, one after another; the median is told."""
AT_ONCE = 4
IDLE = ["sleep", "infinity"]


class Measured:
    """Servers of a swarm, one after another or several at once."""

    def __init__(self, swarm: Swarm) -> None:
        self.swarm, self.client = swarm, swarm.manager.client
        self.subnets = islice(POOL.subnets(new_prefix=28), 1, None)
        self.image = str(self.client.images.get(MARIMO).id)
        named = {"detach": True, "entrypoint": ""}
        self.both = [self.client.containers.run(MARIMO, IDLE, **named) for _ in range(2)]
        self.made = 0

    def start(self) -> dict[str, float]:
        """One more server; seconds until each of its parts was there."""
        subnet, name = next(self.subnets), f"overlay-{self.made}"
        self.made += 1
        seconds: dict[str, float] = {}

        def timed(what: str, act: Callable[[], Any]) -> Any:
            began = time.monotonic()
            try:
                return act()
            finally:
                seconds[what] = time.monotonic() - began

        ipam = IPAMConfig(pool_configs=[IPAMPool(subnet=str(subnet))])
        api = self.client.api
        made = {"driver": "overlay", "attachable": True, "ipam": ipam}
        network = timed("network", lambda: self.client.networks.create(name, **made))
        timed("joined", lambda: [network.connect(one) for one in self.both])
        task = {
            # By its id, or each node would ask a registry; healthy is not what it is.
            "ContainerSpec": {
                "Image": self.image,
                "Command": IDLE,
                "Healthcheck": {"Test": ["NONE"]},
            },
            "Networks": [{"Target": name}],
            "RestartPolicy": {"Condition": "none"},
            "Placement": {"Constraints": [f"node.id=={self.swarm.ids['second']}"]},
        }

        def runs() -> bool:
            (found,) = api.tasks(filters={"service": name}) or [{"Status": {"State": "new"}}]
            assert found["Status"]["State"] not in {"failed", "rejected"}, found["Status"]
            return bool(found["Status"]["State"] == "running")

        def service() -> None:
            api.create_service(task, name, endpoint_spec={"Mode": "dnsrr"})
            wait_until(runs, f"the task of {name}")

        timed("service", service)
        return seconds

    def fill(self, number: int) -> None:
        """Have so many, several at once."""
        with ThreadPoolExecutor(AT_ONCE) as threads:
            list(threads.map(lambda _: self.start(), range(number - self.made)))


def test_overlays(swarm: Swarm) -> None:
    measured = Measured(swarm)
    for step in STEPS:
        measured.fill(step - ALIKE)
        alike = [measured.start() for _ in range(ALIKE)]
        parts = {what: statistics.median(one[what] for one in alike) for what in alike[0]}
        whole = [sum(one.values()) for one in alike]
        told = [f"{what} {seconds:.2f}" for what, seconds in parts.items()]
        print(f"\n{step:4}: {statistics.median(whole):.2f}, worst {max(whole):.2f};", *told)
