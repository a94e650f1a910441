"""What the single-user images take for activity; the observer as a whole is tested with servers."""

import ast
import asyncio
import os
import socket
import sys
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import AsyncMock

import pytest

from jhub_activity import cgroup, downloads, kernels, marimo, processes, recovery, signing_in
from jhub_activity.limits import Limits
from jhub_activity.observer import Observer
from jhub_activity.pages import PageScript
from jhub_activity.processes import Process
from jhub_proxy.traffic import REQUEST, SOCKET, Exchange

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def process(name: str, *, terminal: int = 34816, state: str = "S", cpu: float = 0) -> Process:
    return Process(10, name, state, 10, terminal, cpu)


def test_a_process_whose_name_looks_like_fields() -> None:
    stat = "42 (a) R 1 (b) S 1 42 7 34817 42 4194560 1 2 3 4 250 50 100 0 20 0 1 0 99 1 1"
    assert processes.parse(stat) == Process(42, "a) R 1 (b", "S", 7, 34817, 4.0)


@pytest.mark.parametrize("name", ["sleep", "python3.11", "make", "ssh"])
def test_whatever_runs_in_a_terminal_is_a_job(name: str) -> None:
    assert processes.jobs([process("bash"), process(name)]) == [process(name)]


@pytest.mark.parametrize(
    "waits", [process("bash"), process("vim"), process("less"), process("sleep", state="T")]
)
def test_what_waits_for_the_person_is_no_job(waits: Process) -> None:
    assert processes.jobs([waits]) == []


def test_what_has_no_terminal_is_no_job() -> None:
    assert processes.jobs([process("node", terminal=0)]) == []


@pytest.mark.parametrize("words", [["python3"], ["/opt/venv/bin/python", "-q"], ["ipython"], ["R"]])
def test_an_interpreter_at_its_prompt(words: list[str]) -> None:
    assert processes.is_prompt(words)


@pytest.mark.parametrize(
    "words", [["python3", "train.py"], ["python", "-c", "1"], ["python", "-m", "x"], ["make"], []]
)
def test_an_interpreter_with_something_to_do(words: list[str]) -> None:
    assert not processes.is_prompt(words)


def test_computing_time_is_everybodys_but_the_servers() -> None:
    server = Process(1, "jupyterhub-single", "S", 1, 0, 100)
    assert processes.cpu_seconds([server, process("a", cpu=2)], without=1) == 2


def test_the_processes_of_this_machine_can_be_read() -> None:
    assert any(one.pid == 1 for one in processes.read_all())


def test_a_marimo_server_is_known_by_its_command_line() -> None:
    line = "python /opt/venv/bin/marimo edit --port 1234 --base-url /user/a/marimo --token"
    found = marimo.server([*line.split(), "--token-password", "secret", "--headless"])
    assert found == marimo.Server("http://127.0.0.1:1234/user/a/marimo", "secret")
    assert marimo.server(["vim", "marimo", "edit"]) is None
    assert marimo.server(["marimo", "run", "app.py", "--port", "1"]) is None


def test_people_are_warned_before_the_end() -> None:
    limits = Limits(idle_timeout=3600, warning=600)
    assert limits.until_warning(NOW, NOW - timedelta(seconds=1000)) == 2000
    assert limits.until_warning(NOW, NOW - timedelta(seconds=3200)) == 0
    assert Limits().until_warning(NOW, NOW) is None


def test_the_time_left_is_what_the_hub_would_say() -> None:
    limits, last = Limits(idle_timeout=3600), NOW - timedelta(seconds=600)
    assert Limits().until_end(NOW, last) is None
    assert limits.until_end(NOW, last) == 3000
    asked = {"ends": (NOW + timedelta(seconds=5000)).isoformat(), "activity_helps": True}
    assert limits.until_end(NOW, last, asked) == 5000, "more time was asked for"
    before = asked | {"ends": (NOW + timedelta(seconds=10)).isoformat()}
    assert limits.until_end(NOW, last, before) == 3000, "there was activity since"
    old = asked | {"ends": (NOW + timedelta(seconds=70)).isoformat(), "activity_helps": False}
    assert limits.until_end(NOW, last, old) == 70, "the oldest age ends it in any case"


HTML = {"Content-Type": "text/html; charset=utf-8"}


def shown(
    path: str, headers: dict[str, str], body: bytes, accept: str = "text/html,*/*"
) -> tuple[dict[str, str], bytes]:
    """What a browser gets when it asks for `path`."""

    class Transform(PageScript):
        script = b"<script>"

    request = SimpleNamespace(
        method="GET", path=path, headers={"Accept": accept, "Accept-Encoding": "gzip"}
    )
    _, sent, chunk = Transform(request).transform_first_chunk(200, dict(headers), body, True)
    return sent, chunk


def test_a_page_gets_the_script_and_its_new_length() -> None:
    body = b'<!doctype html><html><head lang="en"><title>x</title></head><header>'
    sent, chunk = shown("/vscode/", {**HTML, "Content-Length": str(len(body))}, body)
    assert chunk.count(b"<script>") == 1
    assert b'<head lang="en"><script>' in chunk
    assert sent["Content-Length"] == str(len(chunk))


def test_a_page_that_comes_in_pieces_gets_it_with_its_head() -> None:
    request = SimpleNamespace(method="GET", path="/", headers={"Accept": "text/html"})
    page = PageScript(request)
    page.script = b"<script>"
    _, sent, chunk = page.transform_first_chunk(200, {**HTML, "Content-Length": "9"}, b"", False)
    assert "Content-Length" not in sent
    pieces = [page.transform_chunk(one, False) for one in (b"<html>", b"<head>x", b"<head>")]
    assert [chunk, *pieces] == [b"", b"<html>", b"<head><script>x", b"<head>"]


@pytest.mark.parametrize(
    ("path", "headers", "accept"),
    [
        ("/files/report.html", HTML, "text/html"),
        ("/x", {"Content-Type": "application/json"}, "text/html"),
        ("/x", {**HTML, "Content-Encoding": "gzip"}, "text/html"),
        ("/x", {**HTML, "Content-Disposition": "attachment"}, "text/html"),
        ("/x", {**HTML, "Content-Security-Policy": "sandbox allow-scripts"}, "text/html"),
        ("/x", HTML, "*/*"),
    ],
)
def test_anything_else_stays_as_it_is(path: str, headers: dict[str, str], accept: str) -> None:
    assert shown(path, headers, b"<head>", accept) == (headers, b"<head>")


def test_what_is_left_running_without_a_terminal_is_work() -> None:
    server = Process(7, "jupyterhub-single", "S", 7, 0, 0, parent=1)
    editor = Process(8, "node", "S", 8, 0, 0, parent=7)
    kernel = Process(9, "python", "S", 9, 0, 0, parent=7)
    of_kernel = Process(10, "train", "S", 9, 0, 0, parent=9)
    shell = Process(11, "bash", "S", 11, 0, 0, parent=1)
    orphan = Process(12, "sleep", "S", 11, 0, 0, parent=11)
    health_check = Process(13, "curl", "S", 13, 0, 0, parent=0)
    agent = Process(14, "ssh-agent", "S", 14, 0, 0, parent=1)
    tini = Process(1, "tini", "S", 1, 0, 0, parent=0)
    found = [tini, server, editor, kernel, of_kernel, shell, orphan, health_check, agent]
    assert list(processes.left_running(found, 7, {9})) == [of_kernel, orphan]


def test_pools_and_parts_of_editors_are_not() -> None:
    assert processes.is_helper(["python", "-c", "from multiprocessing.spawn import x"])
    assert not processes.is_helper(["python", "train.py"])


def test_a_process_that_listens_is_known() -> None:
    with socket.create_server(("127.0.0.1", 0)):
        assert processes.listens(os.getpid())


@pytest.mark.parametrize(
    "words",
    [
        ["python", "-m", "ipykernel_launcher", "-f", "{}"],
        ["python", "-m", "ipykernel_launcher", "--f={}"],
        ["R", "--slave", "-e", "IRkernel::main()", "--args", "{}"],
    ],
)
def test_a_kernel_is_known_by_its_connection_file(words: list[str], tmp_path: Path) -> None:
    file, other = tmp_path / "kernel-1.json", tmp_path / "kernel.json"
    file.write_text('{"shell_port": 1, "key": ""}')
    other.write_text('{"argv": []}')
    assert kernels.connection_file([word.format(file) for word in words]) == str(file)
    for no_kernel in (["python", "train.py"], ["vim", str(other)], ["vim", "/gone/kernel-2.json"]):
        assert kernels.connection_file(no_kernel) is None


def test_what_a_program_works_on_is_not_read_for_a_kernels(tmp_path: Path) -> None:
    """The server would need the memory, or wait for ever."""
    data, pipe = tmp_path / "data.json", tmp_path / "pipe.json"
    data.write_text('{"shell_port": 1, "key": "", "rows": "' + "x" * 2**20 + '"}')
    os.mkfifo(pipe)
    for file in (data, pipe):
        assert kernels.connection_file(["python", "train.py", str(file)]) is None


def test_a_hub_that_answers_nonsense_does_not_end_the_looking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    told: list[str] = []

    async def tell(reason: str) -> None:
        told.append(reason)
        if len(told) == 1:
            raise ValueError("no JSON")
        raise asyncio.CancelledError

    observer = Observer(SimpleNamespace(last_kernel_activity=NOW), NOW, 0, tell)
    found = iter(["kernel", "marimo"])

    async def work() -> str:
        return next(found)

    monkeypatch.setattr(observer, "work", work)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(observer.run())
    assert told == ["kernel", "marimo"]


def test_a_notebook_that_cannot_be_kept_is_no_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a server with a full home would never be stopped for being idle."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "recovered").write_text("a file in the way")
    observer = Observer(None, NOW, 60, lambda _: asyncio.sleep(0))

    async def is_running(_: marimo.Server) -> bool:
        return False

    async def unnamed(_: marimo.Server) -> dict[str, str | None]:
        return {"s_1": SCRIPT}

    monkeypatch.setattr(marimo, "is_running", is_running)
    monkeypatch.setattr(marimo, "unnamed", unnamed)
    command = ["python", "/opt/venv/bin/marimo", "edit", "--port", "1"]
    assert not asyncio.run(observer._marimo([command]))


def test_a_marimo_that_does_not_answer_in_time_may_be_at_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One that refuses connections is starting, or gone."""
    server = marimo.Server("http://127.0.0.1:1", "secret")
    for error, raised in ((HTTPTimeoutError, True), (HTTPClientError, False), (OSError, False)):
        client = SimpleNamespace(fetch=AsyncMock(side_effect=error))
        for name, given in (
            ("httpclient", {"AsyncHTTPClient": lambda client=client: client}),
            ("simple_httpclient", {"HTTPTimeoutError": HTTPTimeoutError}),
        ):
            module = SimpleNamespace(HTTPClientError=HTTPClientError, **given)
            monkeypatch.setitem(sys.modules, f"tornado.{name}", module)
        with pytest.raises(HTTPTimeoutError) if raised else nullcontext():
            assert not asyncio.run(marimo.is_running(server))


class HTTPClientError(Exception):
    """Tornado's, which this environment does not have."""


class HTTPTimeoutError(HTTPClientError):
    """The same."""


def test_what_was_kept_stays_whole_when_the_home_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recovered = recovery.Recovery(tmp_path)
    recovered.keep({"s_1": SCRIPT})
    before = {file.name: file.read_text() for file in tmp_path.iterdir()}

    def full(self: Path, text: str, encoding: str) -> int:
        self.open("w").close()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space left"):
        recovered.keep({"s_1": SCRIPT + "\n# %%\nz = 1\n"})
    kept = {name: (tmp_path / name).read_text() for name in before}
    assert kept == before


def test_an_application_works_while_somebody_waits_for_it() -> None:
    waits = Exchange(REQUEST, "port 8050", asked=10.0)
    assert not waits.is_work(11.0, since=0), "every request would count"
    assert waits.is_work(3610.0, since=3550), "a slow answer counts as idle"
    answered = Exchange(REQUEST, "port 8050", asked=10.0, answered=20.0)
    assert answered.is_work(30.0, since=15.0)
    assert not answered.is_work(90.0, since=30.0)


def test_an_open_socket_works_when_it_is_used() -> None:
    asked = Exchange(SOCKET, "port 8050", asked=10.0, answered=5.0)
    assert asked.is_work(3610.0, since=3550)
    told = Exchange(SOCKET, "port 8050", asked=10.0, answered=11.0)
    assert not told.is_work(3610.0, since=3550), "a forgotten tab counts as work"
    assert not Exchange(SOCKET, "vscode", asked=10.0, answered=5.0).is_work(3610.0, since=3550)


def test_a_long_download_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    noted: list[str] = []
    clock = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])

    class Transform(downloads.Download):
        note = staticmethod(noted.append)

    long, small = Transform(None), Transform(None)
    long.transform_first_chunk(200, {}, b"x" * 2**20, False)
    small.transform_first_chunk(200, {}, b": heartbeat", False)
    assert long.transform_chunk(b"x", False) == b"x"
    assert noted == []
    clock[0] = 103.0
    long.transform_chunk(b"x", False)
    small.transform_chunk(b"x", False)
    assert noted == ["download"]


SCRIPT = "import marimo\n\n# %%\nx = '''a\n  b'''\n\n# %%\n\n# %%\nx +\n"


def test_an_unnamed_notebook_is_kept_until_it_has_a_name(tmp_path: Path) -> None:
    recovered = recovery.Recovery(tmp_path / "recovered")
    recovered.keep({"s_1": SCRIPT, "s_2": "# %%\n\n"})
    (kept,) = (tmp_path / "recovered").iterdir()
    calls = [node for node in ast.walk(ast.parse(kept.read_text())) if isinstance(node, ast.Call)]
    texts = [call.args[0].value for call in calls if call.args]  # type: ignore[attr-defined]
    assert texts == ["x = '''a\n  b'''", "x +"]
    assert recovery.earlier(kept.parent, since=kept.stat().st_mtime + 1) == [kept.name]
    assert recovery.earlier(kept.parent, since=0) == []
    recovered.keep({"s_1": None})
    assert not kept.parent.exists()


def control_group(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_memory_is_what_the_control_group_counts(tmp_path: Path) -> None:
    assert cgroup.memory(tmp_path) is None
    second = {
        "memory.current": "3000\n",
        "memory.max": "9000\n",
        "memory.stat": "anon 1\ninactive_file 1000\n",
        "memory.events": "low 0\noom 3\noom_kill 2\n",
    }
    assert cgroup.memory(control_group(tmp_path, second)) == cgroup.Memory(2000, 9000, 2)


def test_memory_of_an_older_control_group(tmp_path: Path) -> None:
    first = {
        "memory/memory.usage_in_bytes": "3000\n",
        "memory/memory.limit_in_bytes": "9223372036854771712\n",
        "memory/memory.stat": "cache 1\ninactive_file 7\ntotal_inactive_file 1000\n",
        "memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n",
    }
    assert cgroup.memory(control_group(tmp_path, first)) == cgroup.Memory(2000, None, 1)


@pytest.mark.parametrize(
    ("status", "accepts", "words"),
    [
        (500, "", "The platform does not answer at the moment"),
        (502, "de-DE,en", "Die Plattform antwortet gerade nicht"),
        (403, "en", "begun too long ago, or in another window"),
    ],
)
def test_who_could_not_be_signed_in_reads_why(status: int, accepts: str, words: str) -> None:
    page = signing_in.page(status, accepts, "/user/<ann>/")
    assert words in page
    assert 'href="/user/&lt;ann&gt;/"' in page
