"""One's own packages on top of the image's; real pip, uv, kernels: in singleuser-base's tests."""

import runpy
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from jhub_packages import __main__ as commands
from jhub_packages import page, projects, run, uv_pip
from jhub_packages.__main__ import about
from jhub_packages.environment import FROM_IMAGE, VISIBLE, Image, Own, added_in, remove

OWN = Path("/home/nebula/.my-packages/uv-lab-3.11")
PYTHON = f"{OWN}/bin/python"
ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("given", "environment"),
    [
        (["pip", "install", "x"], {}),
        (["-q", "pip", "install", "--upgrade", "x"], {}),
        (["pip", "install", "x"], {"VIRTUAL_ENV": str(OWN)}),
        # What notebooks of other platforms say, wherever they stand.
        (["pip", "install", "--system", "x"], {"VIRTUAL_ENV": "/project/.venv"}),
        (["pip", "install", "--user", "x"], {}),
    ],
)
def test_uv_pip_works_on_ones_own_packages(
    given: list[str], environment: Mapping[str, str], tmp_path: Path
) -> None:
    said = uv_pip.arguments(given, environment, tmp_path, OWN)
    assert said is not None
    assert [word for word in said if word in WANTED] == ["pip", "install", "--python", PYTHON]
    assert not {"--system", "--user"} & set(said)


WANTED = {"pip", "install", "--python", PYTHON}


@pytest.mark.parametrize(
    ("typed", "left"),
    [
        ("python -m pip install --user x", False),
        ("/home/nebula/bin/python /opt/venv/bin/pip install --user x", False),
        ("python pipeline.py --user ann", True),
        ("python -m people pip --user", True),
    ],
)
def test_pip_alone_is_spared_the_option_user(
    typed: str, left: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = typed.split()
    monkeypatch.setattr(sys, "orig_argv", words)
    monkeypatch.setattr(sys, "argv", words[1:])
    runpy.run_path(str(VISIBLE / "jhub_pip.py"))
    assert ("--user" in sys.argv) == left


@pytest.mark.parametrize(
    ("given", "environment"),
    [
        (["pip", "install", "x"], {"VIRTUAL_ENV": "/project/.venv"}),
        (["pip", "install", "x"], {"CONDA_PREFIX": "/conda"}),
        (["pip", "install", "--python=3.12", "x"], {}),
        (["pip", "install", "-p", "/elsewhere/bin/python", "x"], {}),
        (["pip", "install", "--target", "folder", "x"], {}),
        (["pip", "compile", "requirements.in"], {}),
        (["pip"], {}),
    ],
)
def test_uv_pip_leaves_other_environments_alone(
    given: list[str], environment: Mapping[str, str], tmp_path: Path
) -> None:
    assert uv_pip.arguments(given, environment, tmp_path, OWN) is None


def test_the_environment_of_a_project_comes_first(tmp_path: Path) -> None:
    (tmp_path / ".venv").mkdir()
    (tmp_path / "deep").mkdir()
    assert uv_pip.arguments(["pip", "install", "x"], {}, tmp_path / "deep", OWN) is None


def described(packages: Path, name: str, installer: str = "uv") -> None:
    entry = packages / f"{name}.dist-info"
    entry.mkdir(parents=True)
    (entry / "METADATA").write_text(f"Name: {name}\n")
    (entry / "INSTALLER").write_text(installer)


@pytest.fixture
def own(tmp_path: Path) -> Own:
    folder = tmp_path / "venv"
    (folder / "bin").mkdir(parents=True)
    (folder / "pyvenv.cfg").write_text(
        f"home = {tmp_path}\nversion_info = 3.11.2\nprompt = uv-lab\n"
    )
    (tmp_path / "python3.11").touch()
    for name in ("ipython", "jupyter-lab"):
        (folder / "bin" / name).write_text(f"#!{folder}/bin/python\n")
    (folder / "bin" / "ruff").write_bytes(b"\x7fELF")
    image = Image.read(folder)
    described(image.packages, "pandas-3.0")
    described(image.packages, "Py_Yaml-6.0")
    return Own.here(tmp_path / "home", image)


def test_the_image_is_on_the_path_and_counts_as_installed(own: Own) -> None:
    own.make()
    assert own.folder.name == "uv-lab-3.11"
    assert str(own.image.packages) in (own.packages / "image.pth").read_text().split()
    entry = own.packages / "pandas-3.0.dist-info"
    assert (entry / "INSTALLER").read_text() == FROM_IMAGE
    assert (entry / "METADATA").read_text() == "Name: pandas-3.0\n"
    assert own.names() == {}
    programs = {file.name for file in (own.folder / "bin").iterdir() if not file.is_symlink()}
    assert programs == {"ipython"}, "only what is written in Python, and is not the server"


def test_a_new_image_leaves_what_one_added(own: Own) -> None:
    own.make()
    described(own.packages, "py_yaml-7.0")  # a newer one than the image's
    described(own.image.packages, "polars-2.0")
    (own.image.packages / "pandas-3.0.dist-info").rename(
        own.image.packages / "pandas-3.1.dist-info"
    )
    assert not own.is_current()
    own.make()
    assert own.is_current()
    own.leads.write_text(f"{own.image.packages}\n")  # as another image of the same packages had it
    assert not own.is_current()
    own.make()
    assert own.is_current()
    assert own.names() == {"py-yaml": "7.0"}
    entries = {entry.name for entry in own.packages.glob("*.dist-info")}
    assert entries == {"py_yaml-7.0.dist-info", "pandas-3.1.dist-info", "polars-2.0.dist-info"}


def test_the_images_version_counts_again_when_ones_own_was_removed(own: Own) -> None:
    own.make()
    entry = own.packages / "pandas-3.0.dist-info"
    shutil.rmtree(entry)
    described(own.packages, "pandas-2.0")
    assert own.is_current(), "one's own stands for it"
    shutil.rmtree(own.packages / "pandas-2.0.dist-info")
    assert not own.is_current()
    own.make()
    assert (entry / "INSTALLER").read_text() == FROM_IMAGE
    assert own.is_current()


def test_what_cannot_be_removed_is_not_called_removed(
    own: Own, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    own.make()
    monkeypatch.setattr("shutil.rmtree", lambda *_, **__: None)  # root's files in it
    assert commands.reset(own) == 1
    said = capsys.readouterr()
    assert "Removed" not in said.out
    assert f"{own.folder} cannot be removed as a whole" in said.err


def test_a_link_in_its_place_is_removed_and_not_what_it_leads_to(own: Own, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    own.folder.parent.mkdir(parents=True)
    own.folder.symlink_to(kept)
    own.make()
    assert commands.reset(own) == 0
    assert not own.folder.is_symlink()
    assert own.is_current()
    assert (kept / "image-packages").exists()


def test_whoever_makes_them_meanwhile_waits_until_they_are_removed(own: Own) -> None:
    own.make()
    (lock,) = own.folder.parent.glob("*.lock")
    with own.alone():
        remove(own.folder)
        held = subprocess.run(["flock", "--nonblock", lock, "true"], check=False)
    assert held.returncode == 1, "another one could make it while it is being removed"


def test_a_terminal_waits_for_them(tmp_path: Path) -> None:
    """On a busy machine one is opened before they are made, and would get the image's pip."""
    program = tmp_path / "my-packages"
    program.write_text('#!/bin/sh\nmkdir "$JHUB_PACKAGES"; >"$JHUB_PACKAGES/image-packages"\n')
    program.chmod(0o755)
    script = ROOT / "packages/singleuser-base/rootfs/etc/profile.d/jhub-docker.sh"
    environment = {
        "PATH": f"{tmp_path}:/opt/venv/bin:/usr/bin:/bin",
        "JHUB_PACKAGES": str(tmp_path / "own"),
        "JHUB_GREETED": "yes",
    }
    for _ in ("makes them", "finds them"):
        subprocess.run(["sh", "-euc", f". {script}"], env=environment, check=True)
    assert (tmp_path / "own" / "image-packages").exists()


def test_a_package_that_ends_the_program_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ends_it.py").write_text("raise SystemExit(3)")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "path", ["/folder/of/run.py", *sys.path])
    monkeypatch.setattr(sys, "argv", ["run.py", "kernel", "-f", "x.json"])
    monkeypatch.setitem(run.NEEDS, "kernel", ("ends_it",))
    monkeypatch.setenv(run.BROKEN, "")
    started: list[list[str]] = []

    def execv(_: str, words: list[str]) -> None:
        started.append(words)
        raise InterruptedError

    monkeypatch.setattr("os.execv", execv)
    with pytest.raises(InterruptedError):
        run.main()
    assert started == [[run.IMAGE_PYTHON, run.__file__, "kernel", "-f", "x.json"]]


def test_what_was_added_under_another_python_is_known(own: Own) -> None:
    own.make()
    older, empty = own.folder.with_name("uv-lab-3.10"), own.folder.with_name("uv-lab-3.9")
    described(older / "lib/python3.10/site-packages", "prophet-1.1")
    described(empty / "lib/python3.9/site-packages", "numpy-1.0", FROM_IMAGE)
    other_image = own.folder.with_name("uv-lab-gpu-3.11")
    described(other_image / "lib/python3.11/site-packages", "torch-2.0")
    assert own.others() == [older], "move and reset remove these"
    assert added_in(older) == {"prophet": "1.1"}


def test_only_what_concerns_ones_own_packages_is_told() -> None:
    said = [
        "The package `jupyterhub` requires `certipy>=0.1.2`, but it's not installed.",
        "The package `prophet` requires `pandas<3`, but `3.1` is installed.",
        "The package `ipykernel` requires `tornado>=6.5`, but `6.4` is installed.",
        "Checked 200 packages",
    ]
    assert about(said, {"prophet", "tornado"}) == [line.rstrip(".") for line in said[1:3]]


def test_what_packages_call_themselves_is_text_on_the_page() -> None:
    html = page.html("<script>", "key", ["reset"])
    assert "<script>" not in html
    assert "Remove all of them" in html


def project(folder: Path, python: str = "python3.11", marimo: bool = False) -> Path:
    """A uv project with an environment; returns the environment."""
    environment = folder / ".venv"
    packages = environment / "lib" / python / "site-packages"
    packages.mkdir(parents=True)
    (environment / "bin").mkdir()
    (environment / "bin/python").touch()
    (folder / "pyproject.toml").touch()
    if marimo:
        (packages / "marimo").mkdir()
        (packages / "marimo/__init__.py").touch()
    return environment


def test_a_marimo_notebook_runs_on_the_project_it_lies_in(tmp_path: Path) -> None:
    """Where a kernel can run there, and never on a project of somebody else's folder."""
    own = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    home, shared = tmp_path / "home", tmp_path / "shared"
    here = project(home / "here", own)
    other = project(home / "other", "python3.99")
    with_marimo = project(home / "with", "python3.99", marimo=True)
    project(shared, own)
    (home / "shared").symlink_to(shared)
    (home / "here/deep").mkdir()

    def found(notebook: str) -> Path | None:
        return projects.environment_of(str(home / notebook), home)

    assert found("here/n.py") == found("here/deep/n.py") == here
    assert found("with/n.py") == with_marimo
    assert other.exists()
    assert [found("other/n.py"), found("shared/n.py"), found("n.py")] == [None, None, None]
    assert projects.environment_of(None, home) is None
