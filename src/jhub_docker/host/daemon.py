"""A `dockerd` that this project started itself, on a machine without systemd.

It is recorded, so that only that very process is ever stopped. An engine that somebody else
started, systemd among them, is none of its business (see `setup`).
"""

import contextlib
import json
import os
import signal
import socket
import time
from dataclasses import dataclass
from pathlib import Path

from jhub_docker import process
from jhub_docker.engine import restarts
from jhub_docker.errors import ActionError

START_SECONDS = 180.0
STOP_SECONDS = 180.0
"""Without live-restore dockerd gives containers their own stop timeout before it goes itself."""


@dataclass(frozen=True)
class Daemon:
    """One dockerd: its socket, the folder of its record and log, and how it is called.

    `state` is in /var/lib because it says what to stop; a record from before a reboot fits no
    process, unless that is a dockerd of the same socket.
    """

    socket: Path = Path("/var/run/docker.sock")
    state: Path = Path("/var/lib/jhub-docker/engine")
    arguments: tuple[str, ...] = ()
    program: tuple[str, ...] = ("dockerd",)

    @property
    def log(self) -> Path:
        """The file with what dockerd said since it was last started."""
        return self.state / "dockerd.log"

    @property
    def record(self) -> Path:
        """The file that names the process."""
        return self.state / "dockerd.json"

    def running(self) -> int | None:
        """The process id, if the dockerd that was started here still runs."""
        try:
            pid = int(json.loads(self.record.read_text())["pid"])
            command = Path(f"/proc/{pid}/cmdline").read_bytes()  # empty once it has ended
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return pid if f"unix://{self.socket}".encode() in command.split(b"\0") else None

    def answers(self) -> bool:
        """Whether an engine, anybody's, answers at the socket."""
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as line:
            line.settimeout(5)
            line.connect(str(self.socket))
            line.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            return line.recv(12).endswith(b" 200")
        return False

    def start(self, seconds: float = START_SECONDS) -> None:
        """Start dockerd detached from this session and wait until it answers."""
        self.state.mkdir(parents=True, exist_ok=True, mode=0o755)
        swarm = restarts.in_swarm(self.arguments)
        flags = restarts.flags(restarts.configuration(), swarm=swarm)
        command = [*self.program, "--host", f"unix://{self.socket}", *flags, *self.arguments]
        with self.log.open("wb") as log:
            started = process.detached(*command, log=log)
        self.record.write_text(json.dumps({"pid": started.pid}))
        deadline = time.monotonic() + seconds
        while not self.answers():
            late, ended = time.monotonic() > deadline, started.poll() is not None
            if late or ended:
                self.stop()
                self.record.unlink(missing_ok=True)
                told = self.log.read_text(errors="replace").splitlines()[-15:]
                silent = f"did not answer at {self.socket} within {seconds:g} s"
                what = "ended at its start" if ended else silent
                raise ActionError("\n".join([f"dockerd {what}:", *told]))
            time.sleep(0.1)

    def stop(self, seconds: float = STOP_SECONDS) -> bool:
        """Ask the dockerd that was started here to end; with live-restore its containers go on.

        False when none runs. Raises ActionError when it is still there after `seconds`.
        """
        pid = self.running()
        if pid is None:
            return False
        deadline = time.monotonic() + seconds
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        while self.running() == pid:
            if time.monotonic() > deadline:
                raise ActionError(
                    f"the engine (process {pid}) is still there after {seconds:g} s: look at "
                    f"{self.log} and try again"
                )
            time.sleep(0.1)
        self.record.unlink(missing_ok=True)
        return True
