"""`python -m jhub_tracking`: MLflow's server for each space, started when somebody connects.

A space is what one person or group tracks: a folder of the volume with a database and artefacts, a
socket that the hub alone can reach, and a user id of its own. MLflow takes paths and addresses from
whoever asks (an experiment's `artifact_location`, a trace's tags, a model's source), so it is not
left to it to keep people apart: the kernel does. There is no network here either.

MLflow is imported once, and each space's process is a fork of this one: it starts at once and
shares memory. One that nobody asks for a while ends; its socket stays, and starts the next. Only so
many run at once: where one more is asked for, the one that was asked last the longest ago ends.

`template FILE` makes the database that a new space begins with: that takes MLflow long.
"""

import gc
import importlib
import os
import re
import selectors
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from jhub_tracking.own_process import FIRST_UID, become, clear, limit_memory

ROOT = Path(os.environ.get("JHUB_TRACKING_ROOT", "/srv/tracking"))
SOCKETS = Path(os.environ.get("JHUB_TRACKING_SOCKETS", "/run/tracking"))
TEMPLATE = Path(os.environ.get("JHUB_TRACKING_TEMPLATE", "/opt/tracking/new.db"))
"""The image's places; a test has others."""

DOOR = "door"
"""The socket that is told a space's name, and makes what it needs; `-` before the name removes all
of it. No space is called so.
"""

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,60}-[0-9a-f]{12}")
DATABASE = "mlflow.db"
SECONDS = 5.0
"""What the hub may take to say a name."""

MOST = os.environ.get("JHUB_TRACKING_SPACES", "30")
"""Spaces whose processes run at once; each takes 60 MB of its own at least."""


def listening(name: str) -> socket.socket:
    """The socket of that name, for the hub: it and we are in one group."""
    path = SOCKETS / name
    path.unlink(missing_ok=True)
    made = socket.socket(socket.AF_UNIX)
    made.bind(str(path))
    path.chmod(0o660)
    made.listen(128)
    made.setblocking(False)
    return made


def folder(name: str) -> Path:
    """The space's folder, which belongs to a user id of its own; made where there is none."""
    path, unfinished = ROOT / name, ROOT / f".{name}"
    if not path.exists():
        uid = max([FIRST_UID - 1, *(one.lstat().st_uid for one in ROOT.iterdir())]) + 1
        unfinished.mkdir(mode=0o700, exist_ok=True)
        os.chown(unfinished, uid, uid)
        unfinished.rename(path)
    return path


class Spaces:
    """All spaces: their sockets, and the processes that serve them."""

    def __init__(self) -> None:
        self.selector = selectors.DefaultSelector()
        self.door = listening(DOOR)
        self.sockets: dict[str, socket.socket] = {}
        self.processes: dict[int, str] = {}
        self.ending: set[int] = set()
        """Those of them that were told to make room."""
        self.waiting: list[str] = []
        """Spaces that somebody asks for and there is no room for yet."""
        self.selector.register(self.door, selectors.EVENT_READ, DOOR)
        for path in ROOT.iterdir():
            if NAME.fullmatch(path.name):
                self.open(path.name)

    def open(self, name: str) -> None:
        """Listen for the space, whose process is started when somebody connects."""
        folder(name)
        if name not in self.sockets:
            self.sockets[name] = listening(name)
            self.selector.register(self.sockets[name], selectors.EVENT_READ, name)

    def serve(self) -> None:
        """Until we are told to end."""
        ends, begin = socket.socketpair()
        for one in (ends, begin):
            one.setblocking(False)
        signal.set_wakeup_fd(begin.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
            signal.signal(number, lambda *_: None)
        self.selector.register(ends, selectors.EVENT_READ, "")
        while True:
            for key, _ in self.selector.select():
                if key.data == DOOR:
                    self.answer()
                elif key.data:
                    self.start(key.data)
                elif set(ends.recv(4096)) & {signal.SIGTERM, signal.SIGINT}:
                    self.end()
                    return
                else:
                    self.reap()

    def answer(self) -> None:
        """Somebody at the door says a name, and hears `ok` when that space can be connected to."""
        with suppress(OSError), self.door.accept()[0] as asking:
            asking.settimeout(SECONDS)
            said = asking.recv(200).decode("ascii", "replace").strip()
            name = said.removeprefix("-")
            if not NAME.fullmatch(name):
                asking.sendall(b"no name of a space\n")
            elif name == said:
                self.open(name)
                asking.sendall(b"ok\n")
            else:
                asking.sendall(b"ok\n" if self.remove(name) else b"not yet\n")

    def remove(self, name: str) -> bool:
        """Whether nothing is left of a space whose owner was deleted; else it is being removed. Its
        files are another user's, and only that one can remove them.
        """
        if gone := self.sockets.pop(name, None):
            with suppress(KeyError):  # of one whose process listens
                self.selector.unregister(gone)
            gone.close()
            (SOCKETS / name).unlink(missing_ok=True)
        self.waiting = [one for one in self.waiting if one != name]
        working = [process for process, its in self.processes.items() if its == name]
        for process in working:
            os.kill(process, signal.SIGTERM)
        if not working and (ROOT / name).exists():
            self.fork(name, partial(clear, ROOT / name))
        return not (ROOT / name).exists()

    def start(self, name: str) -> None:
        """Have the space's process started, which then is the one that listens."""
        if name in self.sockets:  # not removed just now
            self.selector.unregister(self.sockets[name])
            self.waiting.append(name)
            self.start_waiting()

    def start_waiting(self) -> None:
        """As many as there is room for; for the others some have to end."""
        while self.waiting and len(self.processes) < int(MOST):
            name = self.waiting.pop(0)
            self.fork(name, partial(self.serve_space, name))
        working = [one for one in self.processes if one not in self.ending]
        wanted = max(0, len(self.waiting) - len(self.ending))
        for process in sorted(working, key=lambda one: last_asked(self.processes[one]))[:wanted]:
            os.kill(process, signal.SIGTERM)
            self.ending.add(process)

    def serve_space(self, name: str) -> int:
        """The space's process; the exit code."""
        become(folder(name))
        from jhub_tracking import space  # noqa: PLC0415  imported before, by `main`

        return int(space.run(Path(), self.sockets[name], TEMPLATE))

    def fork(self, name: str, work: Callable[[], int]) -> None:
        """Do it in a process of the space's own."""
        # Until it can end as MLflow's server does, being told to waits.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        if process := os.fork():
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            self.processes[process] = name
            return
        code = 1
        try:
            self.let_go(name)
            limit_memory()
            # The import of MLflow chose /tmp, which is everybody's and memory; a space has its own.
            tempfile.tempdir = None
            code = work()
        except BaseException as error:
            print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
        finally:
            os._exit(code)

    def let_go(self, name: str) -> None:
        """In a space's process, of all that is not its own: who has a socket may answer for its
        space whoever they are, and who can wake the first process can end all.
        """
        if (begin := signal.set_wakeup_fd(-1)) >= 0:
            os.close(begin)
        waited_for = {key.fileobj for key in self.selector.get_map().values()}
        for other in waited_for | {*self.sockets.values()} - {self.sockets.get(name)}:
            if isinstance(other, socket.socket):
                other.close()
        self.selector.close()

    def reap(self) -> None:
        """Listen again for spaces whose process has ended."""
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                name = self.processes.pop(ended[0], "")
                made_room = ended[0] in self.ending
                self.ending.discard(ended[0])
                if name in self.sockets and self.sockets[name] not in self.selector.get_map():
                    if ended[1] and not made_room:
                        turn_away(self.sockets[name])
                    self.selector.register(self.sockets[name], selectors.EVENT_READ, name)
                elif name:
                    with suppress(OSError):  # as long as there is something in it
                        (ROOT / name).rmdir()
        self.start_waiting()

    def end(self) -> None:
        """End all of them, and wait for that."""
        for process in self.processes:
            os.kill(process, signal.SIGTERM)
        for process in self.processes:
            os.waitpid(process, 0)


def turn_away(waiting: socket.socket) -> None:
    """Close who waits at a socket whose process could not serve them: it would be started for them
    again and again.
    """
    with suppress(BlockingIOError):
        while True:
            waiting.accept()[0].close()


def last_asked(name: str) -> float:
    """When somebody last asked a space: its process says so by its folder's time."""
    return min((ROOT / name).lstat().st_mtime, time.time())


def main(arguments: list[str]) -> int:
    """Serve, or make the template."""
    if not MOST.isdecimal() or int(MOST) == 0:
        print(f"JHUB_TRACKING_SPACES is {MOST!r}; expected a number above 0", file=sys.stderr)
        return 2
    os.environ |= {
        "HOME": "/nowhere",  # MLflow's settings would be everybody's
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ALLOWED_HOSTS": "mlflow",  # what the hub asks for
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
        "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
    }
    if arguments[:1] == ["template"]:
        from jhub_tracking import space  # noqa: PLC0415  it imports MLflow, which reads these

        space.make_database(Path(arguments[1]))
        return 0
    for left in ROOT.glob(".*"):
        if left.is_dir() and NAME.fullmatch(left.name[1:]):
            left.rmdir()
    spaces = Spaces()  # who connects waits from now on, also while MLflow is imported
    importlib.import_module("jhub_tracking.space")
    gc.collect()
    gc.freeze()
    spaces.serve()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
