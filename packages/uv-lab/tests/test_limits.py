"""What people see of their server's limits, and what keeps it from counting as idle."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from jhub_testing.kernel import Kernel
from jhub_testing.singleuser import SingleUserContainer
from jhub_testing.subject import Subject
from jhub_testing.waiting import wait_until

GB = 2**30
LIMIT = 3 * GB // 2

TOO_MUCH = f"len(bytearray(b'x') * {2 * GB})"

THREADS = "import os; print(*(os.environ[f'{n}_NUM_THREADS'] for n in ('OMP', 'MKL', 'OPENBLAS')))"

FOREIGN = """
from jupyter_client import KernelManager
manager = KernelManager()
manager.start_kernel()
client = manager.client()
client.start_channels()
client.wait_for_ready()
client.execute("import time; time.sleep(3600)", reply=True)
"""
"""As VS Code has it: a kernel that Jupyter Server knows nothing of, whose cell waits."""

CLUSTER = """
import dask, dask.array, json, logging, os, threading
from dask.distributed import Client, KilledWorker, LocalCluster
dask.config.set({"distributed.scheduler.allowed-failures": 0})
client = Client(LocalCluster())
workers = client.scheduler_info()["workers"].values()
memory, cpus = (sum(each[of] for each in workers) for of in ("memory_limit", "nthreads"))
threads = sorted(set(client.run(os.getenv, "OMP_NUM_THREADS").values()))
print(json.dumps([client.dashboard_link, memory, cpus, threads]))
"""

SPILLED = """
numbers = dask.array.random.random((96, 2**21), chunks=(1, -1)).persist()
count = int((numbers >= 0).sum().compute())
on_disk = client.run(lambda dask_worker: dask_worker.data.spilled_total.disk)
print(json.dumps([count, sum(on_disk.values())]))
del numbers
"""
"""A sum over as many bytes as the server has memory."""

ENDED = """
said = []
class Kept(logging.Handler):
    def emit(self, record):
        said.append(record.getMessage())
logging.getLogger("distributed.nanny.memory").addHandler(Kept())
def too_much():
    taken = []
    while not threading.Event().wait(0.1):
        taken.append(bytearray(b"x") * 2**23)
try:
    client.submit(too_much).result()
except KilledWorker as error:
    print(error, *said)
print(client.submit(lambda: 6 * 7).result())
"""
"""It needs ever more, slowly enough to be noticed where everything is slow."""


@pytest.fixture(scope="module")
def limited(subject: Subject) -> Iterator[SingleUserContainer]:
    """A server with one and a half GB and CPUs."""
    with subject.booted(
        mem_limit=LIMIT,
        memswap_limit=LIMIT,
        nano_cpus=1_500_000_000,
        environment={"JUPYTERHUB_ACTIVITY_INTERVAL": "1", "JHUB_IDLE_TIMEOUT": "3600"},
    ) as server:
        yield server


def status(server: SingleUserContainer) -> dict[str, Any]:
    """What the pages' status bars ask for."""
    found: dict[str, Any] = server.client.get("jhub-activity/status").json()
    return found


def test_dask_has_the_servers_limits_spills_and_says_why_a_worker_ended(
    limited: SingleUserContainer,
) -> None:
    with Kernel(limited.client) as kernel:
        link, memory, cpus, threads = json.loads(kernel.execute(CLUSTER).splitlines()[-1])
        assert 0.9 * LIMIT < memory <= LIMIT
        assert (cpus, threads) == (2, ["1"])
        prefix = limited.environment()["JUPYTERHUB_SERVICE_PREFIX"]
        assert link == f"{prefix}proxy/8787/status"
        assert "Dask Diagnostic UI" in limited.client.get("proxy/8787/status").text
        assert limited.client.get("proxy/8787/static/js/bokeh.min.js").ok
        # Of other hosts the gateway's pages of one's own clusters alone are passed on.
        for one in (f"dask-gateway:8000/clusters/{32 * 'a'}", "example.org:80"):
            assert limited.client.get(f"proxy/{one}/").status_code == 403
        # What JupyterLab's panel asks for.
        plots = limited.client.get("proxy/8787/individual-plots.json").json()
        assert plots["Individual Task Stream"] == "/individual-task-stream"
        assert limited.client.get("dask/clusters").json() == []
        # A worker's own pages are made when somebody looks.
        listed = limited.client.get("proxy/8787/info/main/workers.html").text
        (page, *_) = re.findall(r'"\.\./\.\./(proxy/\d+/[^/"]+/status)"', listed)
        limited.client.get(f"proxy/8787/{page}")
        assert "Dask Diagnostic UI" in limited.client.get(f"proxy/8787/{page}").text
        count, on_disk = json.loads(kernel.execute(SPILLED).splitlines()[-1])
        assert count == 96 * 2**21
        assert on_disk > 0
        said = kernel.execute(ENDED)
        assert "exceeded 80% memory budget" in said, said
        assert said.split()[-1] == "42", said
    assert status(limited)["killed"] == 0, "the system ended something, which says nothing"


def test_limits_are_told_and_a_kernel_out_of_memory_is_counted(
    limited: SingleUserContainer,
) -> None:
    first = status(limited)
    assert first["memory"]["limit"] == LIMIT
    assert 0 < first["memory"]["used"] < LIMIT
    assert 0 < first["idle_left"] <= 3600
    assert first["hub"] == "/hub/home"
    assert "of 1.5 GB" in limited.run(["limits"])
    assert "1.5 CPUs" in limited.run(["script", "-qec", "bash -lic exit", "/dev/null"])
    with Kernel(limited.client) as kernel:
        assert kernel.execute(THREADS).split() == ["2", "2", "2"]
        assert kernel.execute("!nproc").strip() == "2"
        kernel.send(TOO_MUCH)
        wait_until(lambda: status(limited)["killed"] > first["killed"], "the kernel to be ended")


def test_what_waits_without_a_page_or_a_terminal_is_work(subject: Subject) -> None:
    """None of it computes, and nobody has a page of it open."""
    server = subject.server
    server.client.post("jhub-activity/input")
    python = f"{subject.environment}/bin/python"
    server.container.exec_run([python, "-c", FOREIGN], detach=True)
    wait_until(lambda: status(server)["why"] == "kernel", "the kernel to count as work")
    server.run(["pkill", "-f", "ipykernel_launcher"])
    server.run(["sh", "-c", "setsid nohup sleep 3600 >/dev/null 2>&1 &"])

    def in_background() -> bool:
        return bool(status(server)["why"] == "background: sleep")

    wait_until(in_background, "what was left running to count as work")
    server.run(["pkill", "sleep"])
