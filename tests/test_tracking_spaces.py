"""The processes of MLflow's spaces: what each has of the one that it was forked from."""

import importlib
import os
import resource
import selectors
import signal
import socket
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from jhub_testing.waiting import wait_until

# By its name: the package's other module imports what is in its image alone.
tracking: Any = importlib.import_module("jhub_tracking.__main__")
own_process: Any = importlib.import_module("jhub_tracking.own_process")


@pytest.fixture
def spaces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Those of ada and bob."""
    for name in ("ROOT", "SOCKETS"):
        (tmp_path / name).mkdir()
        monkeypatch.setattr(tracking, name, tmp_path / name)
    monkeypatch.setattr(tracking, "become", lambda _: None)
    found = tracking.Spaces()
    for name in ("ada-0123456789ab", "bob-0123456789ab"):
        found.open(name)
    return found


def opened() -> list[str]:
    """What this process has open: sockets by their numbers, `anon_inode:[eventpoll]`."""
    return [str(one.readlink()) for one in Path("/proc/self/fd").iterdir() if one.is_symlink()]


def named(one: socket.socket) -> str:
    """As `opened` says."""
    return f"socket:[{os.fstat(one.fileno()).st_ino}]"


def test_a_space_has_nobodys_socket_and_not_all_of_the_memory(
    spaces: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    spare = tracking.ROOT / "ada-0123456789ab"
    assert tempfile.gettempdir() != str(spare), "chosen, as by what is imported"
    begin, ends = socket.socketpair()
    begin.setblocking(False)
    spaces.selector.register(ends, selectors.EVENT_READ, "")
    all_of_it = {named(one) for one in (spaces.door, *spaces.sockets.values(), begin, ends)}
    polls = opened().count("anon_inode:[eventpoll]")

    def run(_here: Path, listening: socket.socket, _template: Path) -> int:
        has = opened()
        mine = all_of_it & {*has} == {named(listening)}
        woken = has.count("anon_inode:[eventpoll]") == polls
        limited = resource.getrlimit(resource.RLIMIT_DATA)[1] < 2**40
        monkeypatch.setenv("TMPDIR", str(spare))
        tidy = tempfile.gettempdir() == str(spare)
        return 0 if mine and limited and tidy and not woken else 1

    stub = ModuleType("jhub_tracking.space")
    stub.run = run  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, stub.__name__, stub)
    monkeypatch.setattr(sys.modules["jhub_tracking"], "space", stub, raising=False)
    before = signal.set_wakeup_fd(begin.fileno())
    spaces.start("ada-0123456789ab")
    signal.set_wakeup_fd(before)
    (process,) = spaces.processes
    assert os.waitpid(process, 0)[1] == 0
    assert all_of_it < {*opened()}
    with socket.socket(socket.AF_UNIX) as asking:
        asking.connect(str(tracking.SOCKETS / "bob-0123456789ab"))
        assert [key.data for key, _ in spaces.selector.select(60)] == ["bob-0123456789ab"]


def ended(spaces: Any, name: str) -> None:
    """Wait for the end of the space's process, and have it noticed."""
    (process,) = [one for one, its in spaces.processes.items() if its == name]
    os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)
    spaces.reap()


def test_only_so_many_run_at_once_and_the_one_that_waits_longest_makes_room(
    spaces: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob = ("ada-0123456789ab", "bob-0123456789ab")

    def run(*_: Any) -> int:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        while True:
            signal.pause()

    stub = ModuleType("jhub_tracking.space")
    stub.run = run  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, stub.__name__, stub)
    monkeypatch.setattr(sys.modules["jhub_tracking"], "space", stub, raising=False)
    monkeypatch.setattr(tracking, "MOST", "2")
    eve = "eve-0123456789ab"
    spaces.open(eve)
    for name, asked in ((ada, 2000), (bob, 1000), (eve, 3000)):
        os.utime(tracking.ROOT / name, (asked, asked))
        spaces.start(name)
    assert [*spaces.processes.values()] == [ada, bob]
    ended(spaces, bob)
    assert [*spaces.processes.values()] == [ada, eve]
    with socket.socket(socket.AF_UNIX) as asking:
        asking.connect(str(tracking.SOCKETS / bob))
        assert [key.data for key, _ in spaces.selector.select(60)] == [bob], "not listened for"

    # Somebody who was deleted: the process, then its files, which are another user's.
    (tracking.ROOT / ada / "artifacts").mkdir()
    (tracking.ROOT / ada / "artifacts" / "model").touch()
    monkeypatch.setattr(own_process, "become", os.chdir)
    assert not spaces.remove(ada)
    ended(spaces, ada)
    assert not spaces.remove(ada)
    ended(spaces, ada)
    assert spaces.remove(ada)
    assert {one.name for one in tracking.ROOT.iterdir()} == {bob, eve}
    assert not (tracking.SOCKETS / ada).exists()
    spaces.end()


def test_who_cannot_be_served_is_turned_away_however_many_spaces_there_are(
    spaces: Any,
) -> None:
    waiting = spaces.sockets["ada-0123456789ab"]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 2048)), hard))
    number = os.dup2(waiting.fileno(), 1500)  # more than select(2) can look at
    with socket.socket(socket.AF_UNIX) as asking, socket.socket(fileno=number) as far:
        asking.connect(str(tracking.SOCKETS / "ada-0123456789ab"))
        tracking.turn_away(far)
        asking.settimeout(60)
        assert asking.recv(1) == b""
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_who_sends_without_an_end_does_not_keep_their_place(
    spaces: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They would be the one that was asked the longest ago, be told to end and never do it; and
    nobody else is told to while that one is to make room.
    """
    begun, asked = socket.socketpair()

    async def app(_scope: Any, receive: Any, _send: Any) -> None:
        while True:
            begun.send(b"x")
            await receive()

    mlflow: dict[str, Any] = {"mlflow.server": {"fastapi_app": ModuleType("fastapi_app")}}
    mlflow["mlflow.server"]["fastapi_app"].app = app
    mlflow["mlflow.store.db"] = {"utils": None}
    mlflow["mlflow.store.tracking.sqlalchemy_store"] = {"SqlAlchemyStore": None}
    for name, has in mlflow.items():
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
        vars(sys.modules[name]).update(has)
    monkeypatch.setitem(sys.modules, "jhub_tracking.space", None)  # afterwards it is as it was
    monkeypatch.setattr(sys.modules["jhub_tracking"], "space", None, raising=False)
    del sys.modules["jhub_tracking.space"]
    space: Any = importlib.import_module("jhub_tracking.space")
    monkeypatch.setattr(space, "usable_database", lambda *_: None)
    monkeypatch.setattr(space, "FIRST_ANSWER", 0.1)
    monkeypatch.setattr(space, "LAST_ANSWERS", 1)
    monkeypatch.setattr(tracking, "become", os.chdir)
    monkeypatch.setattr(tracking, "MOST", "1")
    ada, bob = ("ada-0123456789ab", "bob-0123456789ab")
    here = Path.cwd()
    with socket.socket(socket.AF_UNIX) as asking:
        asking.connect(str(tracking.SOCKETS / ada))
        spaces.start(ada)
        asking.send(b"POST / HTTP/1.1\r\nHost: mlflow\r\nContent-Length: 9\r\n\r\nx")
        asked.settimeout(60)
        assert asked.recv(1) == b"x"
        spaces.start(bob)
        assert len(spaces.ending) == 1
        (process,) = spaces.processes
        look = os.P_PID, process, os.WEXITED | os.WNOWAIT | os.WNOHANG
        try:
            wait_until(lambda: os.waitid(*look), "the end of a space that is sent to", patience=60)
        finally:
            if not os.waitid(*look):
                os.kill(process, signal.SIGKILL)
    spaces.reap()
    assert [*spaces.processes.values()] == [bob]
    spaces.end()
    assert Path.cwd() == here
