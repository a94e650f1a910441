"""What people see of their server's limits, and what keeps it from counting as idle."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from jhub_testing.kernel import Kernel
from jhub_testing.singleuser import SingleUserContainer
from jhub_testing.subject import Subject
from jhub_testing.waiting import wait_until

GB = 2**30

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


@contextmanager
def limited(subject: Subject) -> Iterator[SingleUserContainer]:
    """A server with 1 GB and one and a half CPUs."""
    with subject.booted(
        mem_limit=GB,
        memswap_limit=GB,
        nano_cpus=1_500_000_000,
        environment={"JUPYTERHUB_ACTIVITY_INTERVAL": "1", "JHUB_IDLE_TIMEOUT": "3600"},
    ) as server:
        yield server


def status(server: SingleUserContainer) -> dict[str, Any]:
    """What the pages' status bars ask for."""
    found: dict[str, Any] = server.client.get("jhub-activity/status").json()
    return found


def test_limits_are_told_and_a_kernel_out_of_memory_is_counted(subject: Subject) -> None:
    with limited(subject) as server:
        first = status(server)
        assert first["memory"]["limit"] == GB
        assert 0 < first["memory"]["used"] < GB
        assert first["killed"] == 0
        assert 0 < first["idle_left"] <= 3600
        assert first["hub"] == "/hub/home"
        assert "of 1.0 GB" in server.run(["limits"])
        assert "1.5 CPUs" in server.run(["script", "-qec", "bash -lic exit", "/dev/null"])
        with Kernel(server.client) as kernel:
            assert kernel.execute(THREADS).split() == ["2", "2", "2"]
            assert kernel.execute("!nproc").strip() == "2"
            kernel.send(TOO_MUCH)
            wait_until(lambda: status(server)["killed"] > 0, "the kernel to be ended")


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
