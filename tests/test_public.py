"""Pins written beside what they pin, with all else as it was."""

from collections.abc import Callable
from pathlib import Path

import pytest

from jhub_docker.build.public import Pin, edited
from jhub_docker.errors import ActionError

NEW, OLD = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"

BEFORE = f"""\
[project]
name = "os"

[tool.jhub-docker]
# 127.0.0.1:5000/os:1 is frozen.
public.bookworm = "127.0.0.1:5000/os:1"  # by its tag
public.trixie = '127.0.0.1:5000/os:2@{OLD}'
base="debian"
"""


def test_all_else_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text(BEFORE)
    pins = [
        Pin("os", "bookworm", "127.0.0.1:5000/os:1", NEW),
        Pin("os", "trixie", f"127.0.0.1:5000/os:2@{OLD}", NEW),
    ]
    text = edited(path, pins)
    assert text == BEFORE.replace('os:1"', f'os:1@{NEW}"').replace(OLD, NEW)
    path.write_text(text)
    again = [Pin(one.package, one.lane, one.pinned, NEW) for one in pins]
    assert edited(path, again) == text
    assert [one.pinned == one.reference for one in (*pins, *again)] == [False, False, True, True]


@pytest.mark.parametrize(
    "write", [lambda text: text.replace("os:1", "os\\u003a1"), lambda text: text + "\nx = 'os:9'\n"]
)
def test_what_cannot_be_edited_is_said_and_left(
    tmp_path: Path, write: Callable[[str], str]
) -> None:
    path = tmp_path / "pyproject.toml"
    text = write(BEFORE)
    path.write_text(text)
    pins = [
        Pin("os", "bookworm", "127.0.0.1:5000/os:1", NEW),
        Pin("os", "trixie", "os:9", NEW),
    ]
    with pytest.raises(ActionError, match=r"cannot be edited; write each as public.LANE = "):
        edited(path, pins)
    assert path.read_text() == text
