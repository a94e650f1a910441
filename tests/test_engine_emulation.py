"""What the kernel is registered to emulate."""

from pathlib import Path

import pytest

from jhub_docker.host import machine

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
    monkeypatch.setattr(machine, "KERNEL", tmp_path)
    assert machine.emulates("linux/arm64") is None, "not mounted here: nobody knows"
    (tmp_path / "status").write_text("enabled\n")
    (tmp_path / "register").write_text("")
    assert machine.emulates("linux/arm64") is False
    (tmp_path / "python3.11").write_text("enabled\ninterpreter /p\nflags:\nextension .pyc\n")
    entry = tmp_path / "somebodys-own-name"
    entry.write_text(ENTRY)
    assert machine.emulates("linux/arm64") is True
    assert machine.emulates("linux/amd64") is False
    entry.write_text(ENTRY.replace("enabled", "disabled"))
    assert machine.emulates("linux/arm64") is False
