"""The benchmark `hub-restart`: the hub is killed while twenty websockets are open.

How many of them drop, and how long it takes until somebody can start a new server.
"""

import time
from http import HTTPStatus
from pathlib import Path

import requests

from jhub_bench.figures import Figure
from jhub_docker.progress import say, stage
from jhub_testing.person import Person
from jhub_testing.platforms import Platform
from jhub_testing.resources import Engine
from jhub_testing.sockets import IdleSockets
from jhub_testing.waiting import wait_until

SOCKETS = 20
PROFILE = "uv-marimo-small"

KILL_THE_HUB = """
import os, signal
for pid in filter(str.isdigit, os.listdir("/proc")):
    with open(f"/proc/{pid}/cmdline") as file:
        if file.read() == "/opt/hub/bin/python\\0-m\\0hub_config\\0hub\\0":
            os.kill(int(pid), signal.SIGKILL)
"""
"""Run in the hub's container: Docker's restart policy then starts it again, as after a crash."""


def measure(root: Path, runs: int) -> list[Figure]:
    """So many times on one platform: kill the hub, count drops, start somebody's server."""
    settings = {"JHUB_SIGNUP": "open"}
    with (
        Engine(root / ".test-logs" / "bench") as engine,
        Platform(engine, root, "hub-restart", settings=settings) as platform,
    ):
        worker, visitor = (Person(platform.url, name).join() for name in ("worker", "visitor"))
        worker.choose(PROFILE)
        with stage(f"hub-restart: {SOCKETS} websockets open, {runs} times"):
            found = [_once(platform, worker, visitor) for _ in range(runs)]
    drops = sum(dropped for dropped, _ in found)
    seconds = tuple(taken for _, taken in found)
    say(f"    {drops} of {SOCKETS * runs} websockets dropped")
    return [
        Figure(
            benchmark="hub-restart",
            subject="killed, until a new server answers",
            unit="s",
            ours=seconds,
            note=f"With {SOCKETS} idle websockets each time; {drops} of all dropped.",
        )
    ]


def _once(platform: Platform, worker: Person, visitor: Person) -> tuple[int, float]:
    with IdleSockets(worker.server, SOCKETS) as sockets:
        begun = time.perf_counter()
        platform.container("hub").exec_run(["python", "-c", KILL_THE_HUB])

        def asked() -> bool:
            answer = visitor.start_by_api({"profile": PROFILE})
            return answer.status_code in (HTTPStatus.CREATED, HTTPStatus.ACCEPTED)

        wait_until(asked, "a new server", ignoring=requests.RequestException, steadily=True)
        visitor.wait_until_served()
        taken = time.perf_counter() - begun
        dropped = sockets.dropped()
    visitor.stop()
    return dropped, taken
