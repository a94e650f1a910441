"""What the single-user images take for activity; the observer as a whole is tested with servers."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from jhub_activity import marimo, processes
from jhub_activity.limits import Limits
from jhub_activity.pages import PageScript
from jhub_activity.processes import Process

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
