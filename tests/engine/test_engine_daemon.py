"""A second dockerd beside the one in use, started and stopped as `engine.start` and `.stop` do, and
looked at by the doctor.

It has its own socket, data and networks, so the engine in use is not touched. It needs what
`engine.start` itself needs: root on Linux, and an installed engine.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import docker
import pytest

from jhub_docker.errors import ActionError
from jhub_docker.host import programs, setup
from jhub_docker.host.daemon import Daemon
from jhub_testing.operator import invoke


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    """A dockerd of its own, stopped at the end whatever happened."""
    # Not tmp_path: the path of a Unix socket may have no more than 107 characters (unix(7)).
    folder = Path(tempfile.mkdtemp(prefix="jhub-docker-"))
    made = Daemon(
        socket=folder / "docker.sock",
        state=folder / "state",
        arguments=(
            *("--data-root", str(folder / "data"), "--exec-root", str(folder / "exec")),
            *("--pidfile", str(folder / "pid")),
        ),
        # A network namespace of its own: two engines in one would fight over docker0 and iptables.
        program=("unshare", "--net", "dockerd"),
    )
    yield made
    made.stop()
    shutil.rmtree(folder)


def in_another_process(daemon: Daemon, call: str) -> str:
    """Run `setup.<call>` on the daemon as another ./dev would, and return what was said."""
    code = f"""
from pathlib import Path, PosixPath
from jhub_docker.host import setup
from jhub_docker.host.daemon import Daemon
setup.{call}({daemon!r})
"""
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout + ended.stderr


def test_it_outlives_the_command_that_started_it_and_is_stopped_by_another(daemon: Daemon) -> None:
    assert "starting dockerd" in in_another_process(daemon, "start")
    assert daemon.running()
    client = docker.DockerClient(f"unix://{daemon.socket}")
    assert client.info()["DockerRootDir"] == str(daemon.socket.parent / "data")
    assert "answers" in in_another_process(daemon, "start")
    assert "has stopped" in in_another_process(daemon, "stop")
    assert not daemon.answers()
    assert not daemon.running()
    assert "no engine runs" in in_another_process(daemon, "stop")


def test_a_restart_is_meant_to_keep_containers(daemon: Daemon) -> None:
    daemon.start()
    assert docker.DockerClient(f"unix://{daemon.socket}").info()["LiveRestoreEnabled"]


def test_an_engine_of_somebody_else_is_left_alone(daemon: Daemon, tmp_path: Path) -> None:
    daemon.start()
    other = Daemon(socket=daemon.socket, state=tmp_path)
    with pytest.raises(ActionError, match="is not run by"):
        setup.stop(daemon=other)
    assert daemon.answers()


def test_an_engine_that_cannot_start_says_why(daemon: Daemon) -> None:
    wrong = replace(daemon, arguments=(*daemon.arguments, "--storage-driver", "nosuch"))
    with pytest.raises(ActionError, match=r"ended at its start:\n(.*\n)*.*nosuch"):
        wrong.start()


def test_the_doctor_finds_what_is_wrong_with_an_engine(daemon: Daemon) -> None:
    """Its driver, what a restart of it ends; and a clock that is off."""
    wrong = ("--storage-driver", "vfs", "--live-restore=false")
    own = replace(daemon, arguments=(*daemon.arguments, *wrong))
    own.start()
    host = {"DOCKER_HOST": f"unix://{own.socket}"}
    clock = {
        "LD_PRELOAD": str(programs.program("libfaketime")),
        "FAKETIME": "+60",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    examined = invoke("doctor", "--json", environment=os.environ | host | clock)
    assert examined.stdout, examined.stderr
    found = {one["code"]: one["says"] for one in json.loads(examined.stdout)["findings"]}
    assert "A restart of the Docker Engine would end everybody's servers" in found["JD003"]
    assert "s apart: the engine says" in found["JD008"]
    assert found["JD009"] == "it is vfs"
