"""Programs are found, or unpacked from the distribution without root, or one is told what to do."""

import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest

from jhub_docker.errors import ActionError
from jhub_docker.host import programs as tools

CONTROL = "Package: oras\nVersion: 1.2.0-1\nArchitecture: all\nMaintainer: a <a@example.org>\nDescription: test\n"  # fmt: skip  # noqa: E501


@pytest.fixture
def apt() -> None:
    if shutil.which("apt-get") is None:
        pytest.skip("apt is what is tested, and this is no Debian")


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without oras: not on PATH, and in none of apt's own lists."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("apt-get", "apt-cache", "dpkg-deb", "dpkg", "tar", "xz", "rm", "sh"):
        if found := shutil.which(name):
            (folder / name).symlink_to(found)
    monkeypatch.setenv("PATH", str(folder))
    (tmp_path / "apt.conf").write_text(f'Dir::State::Lists "{tmp_path}/no-lists";\n')
    monkeypatch.setenv("APT_CONFIG", str(tmp_path / "apt.conf"))


def repository(folder: Path) -> Path:
    """A flat apt repository with one package, an oras that says so."""
    built = folder / "oras"
    (built / "DEBIAN").mkdir(parents=True)
    (built / "DEBIAN" / "control").write_text(CONTROL)
    (built / "usr" / "bin").mkdir(parents=True)
    (built / "usr" / "bin" / "oras").write_text("#!/bin/sh\necho one from the shelf\n")
    (built / "usr" / "bin" / "oras").chmod(0o755)
    package = folder / "oras_1.2.0-1_all.deb"
    subprocess.run(
        ["dpkg-deb", "--build", "-Zgzip", "oras", package.name],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    shutil.rmtree(built)
    data = package.read_bytes()
    place = f"Filename: ./{package.name}\nSize: {len(data)}\n"
    (folder / "Packages").write_text(f"{CONTROL}{place}SHA256: {sha256(data).hexdigest()}\n")
    return folder


def machine(root: Path, source: str, codename: str) -> Path:
    (root / "etc/apt/sources.list.d").mkdir(parents=True)
    (root / "etc/os-release").write_text(f"ID=debian\nVERSION_CODENAME={codename}\n")
    (root / "etc/apt/sources.list.d/test.list").write_text(source)
    return root


@pytest.mark.usefixtures("apt", "nothing_installed")
def test_a_program_is_unpacked_from_what_apt_can_reach(tmp_path: Path) -> None:
    shelf = tmp_path / "repository"
    shelf.mkdir()
    root = machine(tmp_path / "root", f"deb [trusted=yes] file:{repository(shelf)} ./\n", "trixie")
    path = tools.program("oras", folder=tmp_path / "tools", root=root)
    assert subprocess.run([path], capture_output=True, check=True).stdout == b"one from the shelf\n"
    assert [entry.name for entry in (tmp_path / "tools").iterdir()] == ["usr"]
    (shelf / "Packages").unlink()
    assert tools.program("oras", folder=tmp_path / "tools", root=root) == path  # asks nobody again


@pytest.mark.usefixtures("apt", "nothing_installed")
def test_a_distribution_without_it_is_told_what_to_install(tmp_path: Path) -> None:
    shelf = tmp_path / "repository"
    shelf.mkdir()
    (shelf / "Packages").write_text("")
    root = machine(tmp_path / "root", f"deb [trusted=yes] file:{shelf} ./\n", "trixie")
    with pytest.raises(ActionError, match="the distribution has none: install oras so that it is"):
        tools.program("oras", folder=tmp_path / "tools", root=root)


def test_a_machine_without_apt_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ActionError, match="cosign is needed and not there: install cosign"):
        tools.program("cosign", folder=tmp_path / "tools")


@pytest.mark.parametrize(("name", "version"), [("oras", "2-new"), ("libfaketime", "1-old")])
def test_a_library_for_containers_goes_with_their_libc(
    name: tools.Name, version: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A machine may have a further suite, whose libraries need a newer one."""

    def ends(_name: str, *command: str, cwd: Path) -> None:
        raise ActionError(command[-1])

    monkeypatch.setattr(tools, "_versions", lambda *_: ["2-new", "1-old"])
    monkeypatch.setattr(tools, "_run", ends)
    with pytest.raises(ActionError, match=f"{name}={version}"):
        tools._unpack(name, tmp_path, Path("/"))
