"""What the service that backs up does for a hub that asks, and what it has the audit log say."""

import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, TextIO
from unittest.mock import MagicMock

import pytest

from jhub_backup import desk, launcher, one_file
from jhub_backup.errors import BackupError, BusyError

LABELS = {"io.jhub-docker.platform": "demo", "io.jhub-docker.home": "word-ada"}
VOLUMES = [
    {"Name": "home-ada", "Labels": LABELS | {"io.jhub-docker.user": "ada"}},
    {"Name": "data", "Labels": None},
    {"Name": "others", "Labels": {"io.jhub-docker.platform": "other"}},
]
ENVIRON = {"JHUB_PLATFORM": "demo", "JHUB_DATA_VOLUME": "data"}
WISH = {"who": "admin", "on": "ada", "volume": "home-ada", "path": "work/x", "night": ""}

Asked = list[dict[str, Any]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """As a hub has made it."""
    for name in ("wishes", "told"):
        (tmp_path / name).mkdir()
    return tmp_path


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """What workers are asked for; each answers that it is done."""
    found: Asked = []

    def run(request: dict[str, Any], environ: Mapping[str, str], out: TextIO) -> int:
        found.append(request)
        out.write(
            '{"say": "x"}\n{"result": {"name": "x.from-2026-11-30", "time": "2026-11-30T02"}}'
        )
        return 0

    client = MagicMock()
    client.api.volumes.return_value = {"Volumes": VOLUMES}
    monkeypatch.setattr("docker.from_env", lambda **_: client)
    monkeypatch.setattr(launcher, "run", run)
    return found


def wish(folder: Path, name: str = "1", **other: str) -> None:
    (folder / "wishes" / f"{name}.json").write_text(json.dumps(WISH | other))


def told(folder: Path, name: str = "1") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "told" / f"{name}.json").read_text())
    return found


def test_a_wish_is_carried_out_once(folder: Path, asked: Asked) -> None:
    wish(folder)
    for _ in range(2):
        desk.serve(ENVIRON, folder)
    item = {"volume": "home-ada", "kind": "home", "word": "word-ada"}
    assert asked == [{"do": "give", "items": [item], "path": "work/x", "night": ""}]
    answer = told(folder)
    assert (answer["result"], answer["who"], answer["name"]) == ("ok", "admin", "x.from-2026-11-30")
    assert answer["at"] > "2026"


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"volume": "data"}, "no home data"),
        ({"volume": "others"}, "no home others"),
        ({"volume": "/etc"}, "no home /etc"),
        ({"path": "a/../../b"}, "no path within a home"),
        ({"path": "/etc/passwd"}, "no path within a home"),
        ({"path": "."}, "no path within a home"),
    ],
)
def test_a_hub_gets_nothing_but_files_of_homes(
    folder: Path, asked: Asked, other: dict[str, str], said: str
) -> None:
    wish(folder, **other)
    desk.serve(ENVIRON, folder)
    assert said in told(folder)["why"]
    assert asked == []


def test_what_is_busy_is_asked_again_and_what_fails_is_told(
    folder: Path, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    wish(folder)
    (folder / "wishes" / "0.json").write_text("{")
    for error in (BusyError("at work"), BackupError("the repository is gone")):
        monkeypatch.setattr(launcher, "run", MagicMock(side_effect=error))
        desk.serve(ENVIRON, folder)
    assert (told(folder)["result"], told(folder)["why"]) == ("failed", "the repository is gone")
    assert not (folder / "told" / "0.json").exists()


def test_nothing_that_a_hub_lays_there_holds_the_service_up_or_leads_it_elsewhere(
    folder: Path, asked: Asked, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Who has taken over a hub would have no backups made, and their state written over."""
    state = tmp_path_factory.mktemp("state")
    (state / "wish.json").write_text(json.dumps(WISH))
    os.mkfifo(folder / "wishes" / "1.json")
    (folder / "wishes" / "2.json").symlink_to(state / "wish.json")
    (folder / "wishes" / "3.json").write_text("[" * 50_000)
    (folder / "wishes" / "4.json").write_text(json.dumps(WISH) + " " * 2**17)
    for number in range(100, 100 + 2 * desk.AT_ONCE):
        wish(folder, str(number))
    desk.serve(ENVIRON, folder)
    assert 0 < len(asked) < desk.AT_ONCE, "the clock is looked at again after some"
    desk.show(folder)
    assert (folder / "told" / "served").exists()
    (folder / "told").rename(folder / "before")
    (folder / "told").symlink_to(state)
    desk.tell("backup", "ok", folder)
    desk.show(folder)
    assert [file.name for file in state.iterdir()] == ["wish.json"]


def test_without_a_hub_that_asks_there_is_nothing_to_do(tmp_path: Path) -> None:
    desk.serve(ENVIRON, tmp_path)
    desk.tell("backup", "ok", tmp_path)
    assert not list(tmp_path.iterdir())


def put(home: Path, path: str, content: bytes | str) -> "subprocess.CompletedProcess[bytes]":
    """Have a file, or a link where `content` is a text, put beside what is in a home."""
    with BytesIO() as archive:
        with tarfile.open(fileobj=archive, mode="w") as tar:
            entry = tarfile.TarInfo(f"./{Path(path).name}")
            if isinstance(content, str):
                entry.type, entry.linkname = tarfile.SYMTYPE, content
                tar.addfile(entry)
            else:
                entry.size = len(content)
                tar.addfile(entry, BytesIO(content))
        words = json.dumps([str(home / path), "", ".from-2026-11-30"])
        return subprocess.run(
            [sys.executable, "-I", "-c", one_file.PUT, words],
            input=archive.getvalue(),
            capture_output=True,
            check=False,
        )


def test_what_is_put_beside_takes_the_place_of_nothing(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("today's")
    (tmp_path / "x.from-2026-11-30").symlink_to("nowhere")
    for number in (2, 3):
        ended = put(tmp_path, "x", b"of the night")
        assert ended.returncode == 0, ended.stderr
        assert (tmp_path / f"x.from-2026-11-30-{number}").read_text() == "of the night"
    assert (tmp_path / "x").read_text() == "today's"
    assert not (tmp_path / "nowhere").exists()
    link = tmp_path / "folder" / "link.from-2026-11-30"
    assert put(tmp_path, "folder/link", "/etc/passwd").returncode == 0
    assert link.readlink() == Path("/etc/passwd")
    assert not list(tmp_path.rglob("*.new")), "what is unfinished is gone"
