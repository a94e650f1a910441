"""A restore puts files in place by renames, and goes on wherever it was interrupted."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from unittest.mock import MagicMock

import pytest

from jhub_backup import staging, worker
from jhub_backup.errors import BackupError

OLD = {"notes.txt": "of today", "only-old": "x", "folder/deep": "1"}
NEW = {"notes.txt": "of last night", "only-new": "y", "folder/deep": "2", "folder/more": "3"}


class InterruptionError(Exception):
    """What stands for a SIGKILL: nothing after it is done."""


def write(place: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)
    return place


def read(place: Path) -> dict[str, str]:
    return {
        str(path.relative_to(place)): path.read_text()
        for path in place.rglob("*")
        if path.is_file() and staging.PLACE not in path.parts
    }


def volume(tmp_path: Path) -> Path:
    home = write(tmp_path / "home", OLD)
    home.chmod(0o750)
    return home


def restored(home: Path, snapshot: str = "1") -> None:
    assert staging.begin(home, snapshot)
    with staging.folder(home) as folder:
        new = write(folder / "fetched", NEW)
        new.chmod(0o700)
        staging.ready(home, new)


def interrupted(monkeypatch: pytest.MonkeyPatch, after: int, act: Callable[[], None]) -> bool:
    """Whether `act` was interrupted after so many renames."""
    real, count = os.rename, 0

    def rename(*arguments: object, **options: object) -> None:
        nonlocal count
        if count == after:
            raise InterruptionError
        count += 1
        real(*arguments, **options)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", rename)
        try:
            act()
        except InterruptionError:
            return True
    return False


MOMENTS = range(14)


def test_there_are_moments_for_all_renames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = volume(tmp_path)
    restored(home)
    assert not interrupted(monkeypatch, MOMENTS.stop, lambda: staging.place(home))


@pytest.mark.parametrize("after", MOMENTS)
def test_an_interrupted_restore_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    home = volume(tmp_path)
    restored(home)
    interrupted(monkeypatch, after, lambda: staging.place(home))
    assert not staging.begin(home, "1"), "what was restored is not restored again"
    if staging.state(home) != staging.PLACED:
        staging.place(home)
    assert read(home) == NEW
    assert home.stat().st_mode & 0o777 == 0o700
    staging.finish(home)
    assert not (home / staging.PLACE).exists()


def test_a_home_that_is_half_restored_is_not_called_a_backup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = volume(tmp_path)
    assert not staging.is_halfway(home)
    restored(home)
    assert not staging.is_halfway(home), "what was there is still there"
    interrupted(monkeypatch, 3, lambda: staging.place(home))
    assert staging.is_halfway(home)
    request = {
        "extent": "whole",
        "volumes": [{"name": "home", "kind": "home"}],
        "manifest": {"time": "2030-01-01T00:00:00"},
        "run": "r",
    }
    monkeypatch.setattr(worker, "VOLUMES", tmp_path)
    monkeypatch.setattr(worker, "STAGE", tmp_path / "stage")
    monkeypatch.setattr(worker, "of_request", lambda _: MagicMock(snapshots=list))
    (wrong,) = worker._backed_up(request)["wrong"]
    assert "was interrupted" in wrong
    staging.place(home)
    assert not staging.is_halfway(home)


@pytest.mark.parametrize("after", MOMENTS)
def test_an_interrupted_restore_can_be_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    home = volume(tmp_path)
    restored(home)
    interrupted(monkeypatch, after, lambda: staging.place(home))
    staging.back(home)
    assert read(home) == OLD
    assert home.stat().st_mode & 0o777 == 0o750


@pytest.mark.parametrize("after", MOMENTS)
def test_another_snapshot_after_an_interruption_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    home = volume(tmp_path)
    restored(home)
    done = not interrupted(monkeypatch, after, lambda: staging.place(home))
    placed = staging.state(home) == staging.PLACED
    assert staging.begin(home, "2")
    assert read(home) == (NEW if done or placed else OLD)


def test_what_is_still_being_written_is_begun_again(tmp_path: Path) -> None:
    home = volume(tmp_path)
    assert staging.begin(home, "1")
    write(home / staging.PLACE / "fetched", {"half": ""})
    assert staging.begin(home, "1")
    assert [path.name for path in (home / staging.PLACE).iterdir()] == ["snapshot"]
    with pytest.raises(BackupError, match="nothing is ready"):
        staging.place(home)
    assert read(home) == OLD


def test_a_link_in_place_of_our_folder_leads_nowhere(tmp_path: Path) -> None:
    home, elsewhere = volume(tmp_path), write(tmp_path / "elsewhere", {"precious": "p"})
    (home / staging.PLACE).symlink_to(elsewhere)
    restored(home)
    staging.place(home)
    staging.finish(home)
    assert read(home) == NEW
    assert read(elsewhere) == {"precious": "p"}


def test_a_link_that_comes_while_it_is_restored_leads_nowhere(tmp_path: Path) -> None:
    home, elsewhere = volume(tmp_path), write(tmp_path / "elsewhere", {"precious": "p"})
    staging.begin(home, "1")
    with staging.folder(home) as folder:
        (home / staging.PLACE).rename(home / "moved")
        (home / staging.PLACE).symlink_to(elsewhere)
        subprocess.run(["mkdir", folder / "fetched"], check=True)  # as restic, another process
    assert read(elsewhere) == {"precious": "p"}
    assert not (elsewhere / "fetched").exists()
    assert (home / "moved" / "fetched").exists()


def test_a_folder_that_a_person_made_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = volume(tmp_path)
    write(home / staging.PLACE, {"snapshot": "1", "state": staging.FILLING})
    assert staging.is_halfway(home)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert not staging.is_halfway(home)
