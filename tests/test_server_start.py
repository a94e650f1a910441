"""How a server is started sooner: the editor that is begun ahead, and what is not imported.

That a real server does all it did is in the images' contract.
"""

import asyncio
import gc
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module, metadata
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from jhub_start import adoption, early, ending, imports

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)", "{base_url}"]


@pytest.fixture
def editor(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A package whose entry point `notes` is a server, with another password at each call."""
    module = ModuleType("notes_proxy")
    calls = iter(range(9))
    vars(module)["setup"] = lambda: {
        "command": [*SLEEP, f"--password={next(calls)}", "--port={port}"],
        "environment": {"AT": "{base_url}"},
    }
    monkeypatch.setitem(sys.modules, "notes_proxy", module)
    points = [metadata.EntryPoint("notes", "notes_proxy:setup", early.GROUP)]
    monkeypatch.setattr(
        metadata, "entry_points", lambda **wanted: [p for p in points if p.name == wanted["name"]]
    )
    monkeypatch.setattr(early, "_begun", {})
    monkeypatch.setattr(early, "names", {})
    return module


@contextmanager
def begun(url: str) -> Iterator[tuple[str, ...] | None]:
    early.begin(
        {**os.environ, "JUPYTERHUB_DEFAULT_URL": url, "JUPYTERHUB_SERVICE_PREFIX": "/user/ann/"}
    )
    processes = [*early._begun.values()]
    try:
        yield early.names.get("notes")
    finally:
        for process in processes:
            process.kill()
            process.wait()


def test_the_editor_of_the_default_page_is_begun_and_taken_over_once(editor: ModuleType) -> None:
    with begun("/notes/") as command:
        assert command is not None
        assert command[3:5] == ("/user/ann/", "--password=0")
        taken = early.take(command)
        assert taken is not None
        assert early.take(command) is None


def test_the_proxy_is_told_the_same_password_and_port(editor: ModuleType) -> None:
    with begun("/notes/") as command:
        config = vars(editor)["setup"]()
        assert command is not None
        assert config["command"][4] == command[4]
        assert command[5] == f"--port={config['port']}"


@pytest.mark.parametrize("url", ["/lab", "/", "", "/tree/notes"])
def test_no_other_page_begins_one(editor: ModuleType, url: str) -> None:
    with begun(url) as command:
        assert command is None


def test_one_that_ended_is_not_handed_over(editor: ModuleType) -> None:
    with begun("/notes/") as command:
        assert command is not None
        process = early._begun[command]
        process.kill()
        process.wait()
        assert early.take(command) is None


def test_an_editor_that_cannot_be_begun_is_left_to_the_proxy(
    editor: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    vars(editor)["setup"] = lambda: {"command": ["/nowhere/editor"]}
    with begun("/notes") as command:
        assert command is None
    assert "notes is not started ahead" in capsys.readouterr().err


def test_a_command_is_rendered_as_the_proxy_does() -> None:
    def command(port: int, unix_socket: str) -> list[str]:
        return ["serve", "{unix_socket}" if unix_socket else "--port={port}", str(port)]

    arguments = {"port": 0, "unix_socket": "/tmp/x/socket", "base_url": "/"}  # noqa: S108
    assert early.render(command, arguments) == ["serve", "/tmp/x/socket", "0"]  # noqa: S108


def test_a_socket_is_in_a_private_folder() -> None:
    place = early._place({"unix_socket": True})
    folder = os.path.dirname(place["unix_socket"])  # noqa: PTH120
    assert os.stat(folder).st_mode & 0o077 == 0  # noqa: PTH116
    os.rmdir(folder)  # noqa: PTH106


def test_the_end_of_a_process_taken_over_is_noticed() -> None:
    process = subprocess.Popen([sys.executable, "-c", "raise SystemExit(7)"])
    assert asyncio.run(adoption._end_of(process)) == 7


def test_what_the_hub_alone_uses_is_absent_for_the_time_of_one_import() -> None:
    before = {name for name in sys.modules if name.startswith(("sqlalchemy", "jupyterhub"))}
    with imports.without_database():
        assert not vars(sys.modules["jupyterhub.orm"]).get("User")
        assert issubclass(vars(sys.modules["sqlalchemy.exc"])["SQLAlchemyError"], Exception)
    assert {name for name in sys.modules if name.startswith(("sqlalchemy", "jupyterhub"))} == before


def test_entry_points_are_read_once_until_the_start_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read: list[Any] = []

    def entry_points(**wanted: Any) -> Any:
        read.append(wanted)
        return metadata.EntryPoints([metadata.EntryPoint("a", "b:c", "group")]).select(**wanted)

    monkeypatch.setattr(imports, "_find_entry_points", entry_points)
    monkeypatch.setattr(metadata, "entry_points", entry_points)
    imports.find_entry_points_once()
    kept = metadata.entry_points
    assert [len(kept(group=one)) for one in ("group", "other")] == [1, 0]
    assert len(read) == 1
    imports.started()
    gc.unfreeze()
    assert len(kept(group="group")) == 1
    assert len(read) == 2


def test_a_signal_stops_the_server_and_writes_nothing_itself() -> None:
    """In the middle of a line of the log another one cannot be written, and the signal was lost."""
    later: list[Any] = []
    stopped: list[dict[str, bool]] = []
    server = SimpleNamespace(
        io_loop=SimpleNamespace(add_callback_from_signal=lambda *call: later.append(call)),
        log=SimpleNamespace(critical="what writes"),
        stop=lambda **how: stopped.append(how),
    )
    before = signal.getsignal(signal.SIGTERM)
    try:
        ending.listen(server)
        signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert stopped == [{"from_signal": True}]
    assert later == [("what writes", "received signal %s, stopping", signal.SIGTERM)]


class Supervised:
    """As much of simpervisor's class as is inherited."""

    proc: object = "the first"
    running = True
    _killed = False

    def __init__(self, ready_timeout: float, answers: list[bool]) -> None:
        self.ready_timeout, self._answers = ready_timeout, iter(answers)

    async def ready_func(self, _: object) -> bool:
        return next(self._answers)


@pytest.fixture
def prompt_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The module, on a simpervisor that is in images alone."""
    simpervisor = ModuleType("simpervisor")
    vars(simpervisor)["SupervisedProcess"] = Supervised
    monkeypatch.setitem(sys.modules, "simpervisor", simpervisor)
    yield import_module("jhub_editors.prompt_process")
    del sys.modules["jhub_editors.prompt_process"]


def test_an_editor_that_still_starts_is_not_given_up(prompt_process: ModuleType) -> None:
    process = prompt_process.PromptProcess(0.0, [False, False, True])
    assert asyncio.run(process.ready())


@pytest.mark.parametrize("ended", [{"running": False}, {"_killed": True}])
def test_one_that_ended_is_told_of_in_its_own_time(
    ended: dict[str, bool], prompt_process: ModuleType
) -> None:
    process = prompt_process.PromptProcess(0.0, [False])
    vars(process).update(ended)
    assert not asyncio.run(process.ready())
