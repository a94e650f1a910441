"""What is to be done so that a machine emulates another processor; doing it is tests/engine's."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from jhub_docker.errors import ActionError, UsageError
from jhub_docker.host import emulation
from jhub_docker.host.emulation import Machine

BARE = Machine(root=True, apt=True, defined=False, mounted=False, registered=False)


@pytest.mark.parametrize(
    ("machine", "expected"),
    [
        (BARE, ("install", "mount", "register")),
        (replace(BARE, mounted=True), ("install", "register")),
        (replace(BARE, defined=True, apt=False), ("mount", "register")),
        (replace(BARE, mounted=True, registered=True, root=False), ()),
    ],
)
def test_only_what_is_missing_is_done(machine: Machine, expected: tuple[str, ...]) -> None:
    assert emulation.steps(machine) == expected


@pytest.mark.parametrize("machine", [replace(BARE, root=False), replace(BARE, apt=False)])
def test_where_it_cannot_be_done_says_what_to_do(machine: Machine) -> None:
    with pytest.raises(ActionError, match="as root install qemu-user-static"):
        emulation.steps(machine)


ENTRY = """\
enabled
interpreter /usr/libexec/qemu-binfmt/aarch64-binfmt-P
flags: POF
offset 0
magic 7f454c460201010000000000000000000200b700
mask ffffffffffffff00fffffffffffffffffeffffff
"""


def test_a_registration_is_known_by_the_programs_it_takes_whatever_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emulation, "KERNEL", tmp_path)
    assert emulation.emulates("linux/arm64") is None, "not mounted here: nobody knows"
    (tmp_path / "status").write_text("enabled\n")
    (tmp_path / "register").write_text("")
    assert emulation.emulates("linux/arm64") is False
    (tmp_path / "python3.11").write_text("enabled\ninterpreter /p\nflags:\nextension .pyc\n")
    entry = tmp_path / "somebodys-own-name"
    entry.write_text(ENTRY)
    assert emulation.emulates("linux/arm64") is True
    assert emulation.emulates("linux/amd64") is False
    entry.write_text(ENTRY.replace("enabled", "disabled"))
    assert emulation.emulates("linux/arm64") is False


def test_a_platform_that_no_image_is_made_for_is_refused() -> None:
    with pytest.raises(UsageError, match="--platform is 'linux/s390x'; expected one of linux/amd"):
        emulation.name("linux/s390x")


def test_nothing_is_done_for_what_the_machine_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def unexpected(name: str) -> Machine:
        raise AssertionError(f"looked for {name}")

    monkeypatch.setattr(emulation, "read", unexpected)
    monkeypatch.setattr(emulation, "_KERNELS", {os.uname().machine: "linux/arm64"})
    said: list[str] = []
    emulation.start("linux/arm64", said.append)
    assert said == ["linux/arm64 is what this machine is: it needs no emulation"]
