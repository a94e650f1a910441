"""One's own packages in a real server: wherever they are added they stay, and break nothing.

An image may be without pip, kernels or the proxy; what it has is tried. All of it in one container
and from the TLS peer's index, so that no network is asked.
"""

from collections.abc import Iterator

import pytest

from jhub_testing import probes
from jhub_testing.kernel import Kernel
from jhub_testing.marimo import MarimoSession
from jhub_testing.singleuser import SingleUserContainer
from jhub_testing.subject import Subject
from jhub_testing.tls_peer import MODULE, PACKAGE

SAYS = f"import {MODULE}; print({MODULE}.ANSWER)"
ANSWER = "from the peer"
POISONED = ("tornado", "traitlets", "starlette", "jupyterhub")


@pytest.fixture(scope="module")
def server(subject: Subject) -> Iterator[SingleUserContainer]:
    """A server that trusts the peer, whose index is everybody's."""
    index = {"UV_DEFAULT_INDEX": subject.peer.index, "PIP_INDEX_URL": subject.peer.index}
    with subject.booted(trust=str(subject.peer.bundle), environment=index) as server:
        yield server


def typed(server: SingleUserContainer, line: str) -> str:
    """What a line does in a terminal, which is a bash that a person types in.

    That there is none here is all that bash itself says on its second stream.
    """
    script = 'exec bash -ic "exec 2>&1; $0" 2>/dev/null'
    return server.run(["sh", "-c", script, line]).strip()


def has(server: SingleUserContainer, module: str) -> bool:
    """Whether the image has a module."""
    found = f"import importlib.util as u; print(u.find_spec('{module}') is not None)"
    return server.run(["/opt/venv/bin/python", "-c", found]).strip() == "True"


def restarted(server: SingleUserContainer) -> None:
    server.container.restart(timeout=10)
    server.wait_until_ready()


@pytest.mark.parametrize(
    "adds",
    [
        f"pip install -q {PACKAGE}",
        f"pip install -q --user {PACKAGE}",
        f"python -m pip install -q {PACKAGE}",
        f"uv pip install -q {PACKAGE}",
        f"uv pip install -q --system {PACKAGE}",
        f"uv pip install -q --user {PACKAGE}",
        f"cd /tmp && python -m uv pip install -q {PACKAGE}",
    ],
)
def test_what_is_added_in_a_terminal_is_there(server: SingleUserContainer, adds: str) -> None:
    if "uv pip" not in adds and not has(server, "pip"):
        return
    assert typed(server, f"{adds} && python -c '{SAYS}'").splitlines()[-1] == ANSWER
    assert PACKAGE in typed(server, "my-packages")
    assert typed(server, f"my-packages reset >/dev/null; python -c '{SAYS}' 2>&1 || :") != ANSWER


@pytest.mark.parametrize("words", ["traitlets", "-r /tmp/unwanted.txt"])
@pytest.mark.parametrize("pip", ["pip", "python -m pip", "uv pip"])
def test_what_comes_with_the_image_is_not_uninstalled(
    server: SingleUserContainer, pip: str, words: str
) -> None:
    if pip != "uv pip" and not has(server, "pip"):
        return
    yes = "" if pip == "uv pip" else "-y"
    typed(server, "echo Traitlets==1 >/tmp/unwanted.txt")
    said = typed(server, f"{pip} uninstall {yes} {words} || echo ended with $?").splitlines()
    assert "raitlets comes with the image, so it cannot be uninstalled" in said[0], said
    assert said[1:] == ["ended with 1"]
    assert "traitlets" in typed(server, "uv pip list")


@pytest.mark.parametrize("pip", ["pip uninstall -qy", "uv pip uninstall -q"])
def test_what_one_added_is_uninstalled(server: SingleUserContainer, pip: str) -> None:
    if has(server, "pip") or "uv" in pip:
        typed(server, f"uv pip install -q {PACKAGE} && {pip} {PACKAGE}")
        assert PACKAGE not in typed(server, "my-packages")


def test_a_project_has_an_environment_of_its_own(server: SingleUserContainer) -> None:
    made = f"cd && uv init -q own && cd own && uv venv -q && uv pip install -q {PACKAGE}"
    assert typed(server, f"{made} && .venv/bin/python -c '{SAYS}'").splitlines()[-1] == ANSWER
    assert PACKAGE not in typed(server, "my-packages")


def test_what_a_notebook_adds_stays_and_is_seen_everywhere(server: SingleUserContainer) -> None:
    if has(server, "ipykernel"):
        pip = ("%pip", "!pip") if has(server, "pip") else ()
        with Kernel(server.client) as kernel:
            for adds in (*pip, "!uv pip", "%uv pip"):
                kernel.execute(f"{adds} install -q {PACKAGE}")
                assert kernel.execute(SAYS).strip() == ANSWER
                kernel.execute(f"!my-packages reset; import sys; sys.modules.pop('{MODULE}')")
    typed(server, f"uv pip install -q {PACKAGE}")
    restarted(server)
    assert typed(server, f"python -c '{SAYS}'") == ANSWER
    if has(server, "ipykernel"):
        with Kernel(server.client) as kernel:
            assert kernel.execute(SAYS).strip() == ANSWER
    if has(server, "marimo"):
        with MarimoSession(server.client) as notebook:
            assert ANSWER in notebook.compute(f"import {MODULE}; {MODULE}.ANSWER")


def test_broken_packages_keep_nothing_from_starting(
    server: SingleUserContainer, subject: Subject
) -> None:
    own = server.environment()["JHUB_PACKAGES"]
    broken = f"{own}/lib/python3.11/site-packages"
    server.run(["sh", "-euc", f"for m in {' '.join(POISONED)}; do echo 1/0 >{broken}/$m.py; done"])
    restarted(server)
    probes.page(server.client, subject.probe)
    if has(server, "ipykernel"):
        with Kernel(server.client) as kernel:
            said = kernel.execute("6 * 7")
            assert said.endswith("42"), said
            assert "my-packages reset" in said, f"nobody says why they are away: {said!r}"
    if has(server, "marimo"):
        with MarimoSession(server.client) as notebook:
            assert notebook.compute("6 * 7") == "42"
    typed(server, "my-packages reset")
    assert server.run(["ls", broken]).split().count("tornado.py") == 0


def test_the_tile_shows_and_removes_them(server: SingleUserContainer) -> None:
    if not has(server, "jupyter_server_proxy"):
        return
    typed(server, f"uv pip install -q {PACKAGE}")
    assert "my-packages" in probes.proxied(server.client)
    html = server.client.get("my-packages/").text
    assert f"{PACKAGE} 1.0" in html, html
    key = html.partition('name="key" value="')[2].partition('"')[0]
    refused = server.client.post("my-packages/", data={"key": "guess", "action": "reset"})
    assert refused.status_code == 403
    done = server.client.post("my-packages/", data={"key": key, "action": "reset"})
    assert "Removed" in done.text, done.text
    assert f"{PACKAGE} 1.0" not in server.client.get("my-packages/").text


def test_a_new_python_says_what_it_cannot_use_and_moves_it(server: SingleUserContainer) -> None:
    own = server.environment()["JHUB_PACKAGES"]
    older = f"{own.rpartition('-')[0]}-3.10"
    entry = f"{older}/lib/python3.10/site-packages/{MODULE}-1.0.dist-info"
    server.run(["mkdir", "-p", entry])
    restarted(server)
    typed(server, "my-packages refresh")
    assert "my-packages move" in typed(server, ":")
    typed(server, "my-packages move")
    assert typed(server, f"python -c '{SAYS}'") == ANSWER
    server.run(["test", "!", "-e", older])
    typed(server, "my-packages reset")


@pytest.mark.parametrize(
    ("types", "told"),
    [
        ("conda install numpy", "uv pip install"),
        ("apt-get install -y graphviz", "uv tool install"),
        ("apt update", "administrators"),
        ("setpriv --no-new-privs sudo apt install graphviz", "administrators"),  # as on the hub
    ],
)
def test_whoever_types_what_is_not_here_is_told_what_to_type(
    server: SingleUserContainer, types: str, told: str
) -> None:
    code, said = server.attempt(types.split())
    assert (code, told in said) == (1, True), said


def test_what_a_program_wants_opened_is_a_link_to_follow(server: SingleUserContainer) -> None:
    opens = "python3.11 -m webbrowser"
    said = typed(server, f"{opens} http://localhost:8050/; {opens} file:///tmp/map.html")
    assert "Open this link: http://localhost:8050/" in said
    assert "Open this file: /tmp/map.html" in said
    assert server.environment()["TENSORBOARD_PROXY_URL"].endswith("/proxy/%PORT%/")
