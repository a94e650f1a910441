"""The first page in a home: given once, in each interface's form, and its cells run.

In real notebooks and homes: uv-lab's, uv-marimo's and uv-vscode's own tests.
"""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import jhub_welcome
from jhub_welcome import __main__ as welcome
from jhub_welcome.forms import FORMS, marimo, parts

FOLDER = Path(jhub_welcome.__file__).parent
TEXT = (FOLDER / "welcome.md").read_text("utf-8")
PROGRAMS = FOLDER.parents[3] / "usr/local/bin"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def given(home: Path, interface: str = "lab") -> Path:
    """What `start-singleuser` does where there is no marker."""
    marker = home / f".local/share/jhub-docker/welcome-given-{interface}"
    if not marker.exists():
        welcome.main(interface, str(marker))
    return marker


@pytest.mark.parametrize("interface", FORMS)
def test_a_new_home_gets_it_once(interface: str, home: Path) -> None:
    marker = given(home, interface)
    page = home / FORMS[interface].name
    for said in ("/home/nebula", "my-packages reset", "uv init", "proxy/8000/", "~/shared"):
        assert said in page.read_text("utf-8")
    assert "$" not in page.read_text("utf-8")
    assert list(marker.parent.iterdir()) == [marker]
    page.unlink()
    given(home, interface)
    assert not page.exists()


def test_what_has_its_name_is_left_alone(home: Path) -> None:
    (home / "README.md").symlink_to("nowhere")
    given(home, "vscode")
    assert (home / "README.md").readlink() == Path("nowhere")
    assert not (home / "nowhere").exists()


def test_an_interface_of_somebody_elses_image_gets_none(home: Path) -> None:
    given(home, "rstudio")
    assert not list(home.iterdir())


def test_a_home_that_cannot_be_marked_gets_none(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As with another uid's `.local`: without a marker it would come again and again."""
    (home / ".local").touch()
    given(home)
    assert [path.name for path in home.iterdir()] == [".local"]
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"start-singleuser: {home} gets no welcome: ")


def test_a_full_home_gets_it_when_there_is_room(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = home / ".local/share/jhub-docker"
    folder.mkdir(parents=True)
    (folder / "welcome-given-lab.unfinished").symlink_to("/dev/full")
    given(home)
    assert "No space left" in capsys.readouterr().err
    assert not list(folder.iterdir())
    given(home)
    assert (home / "Welcome.ipynb").exists()


def test_as_it_is_called_it_needs_no_environment(home: Path) -> None:
    marker = home / "marker"
    command = [sys.executable, "-I", str(FOLDER), "lab", str(marker)]
    subprocess.run(command, env={"HOME": str(home)}, check=True)
    cells = json.loads((home / "Welcome.ipynb").read_text("utf-8"))["cells"]
    assert {cell["cell_type"] for cell in cells} == {"code", "markdown"}


def test_cells_run_each_by_itself(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{PROGRAMS}:{os.environ['PATH']}")
    for is_code, part in parts(TEXT):
        if is_code:
            subprocess.run([sys.executable, "-c", part], check=True)


def test_no_two_cells_of_marimo_import_one_name() -> None:
    """marimo runs neither of two cells that define the same."""
    names = [
        name.asname or name.name
        for function in ast.parse(marimo(TEXT)).body
        if isinstance(function, ast.FunctionDef)
        for statement in function.body
        if isinstance(statement, ast.Import | ast.ImportFrom)
        for name in statement.names
    ]
    assert len(names) > 3
    assert len(names) == len(set(names))
