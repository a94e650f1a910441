"""What MLflow tracked, as a backup copies it and a restore puts it back."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from jhub_backup import spaces
from jhub_backup.volumes import of_platform
from jhub_docker.backup import plan


def test_each_database_is_copied_and_put_back_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    volume, restored = tmp_path / "volume", tmp_path / "restored"
    monkeypatch.setattr(spaces, "STAGE", tmp_path / "spaces")
    for name in ("ada-0123456789ab", "eve-0123456789ab"):
        for place in (volume, restored):
            (place / name).mkdir(parents=True)
        with closing(sqlite3.connect(volume / name / spaces.DATABASE)) as database, database:
            database.execute("CREATE TABLE runs (of)")
            database.execute("INSERT INTO runs VALUES (?)", (name,))
    (volume / ".jhub-restore").mkdir()
    (volume / "link").symlink_to(volume / "ada-0123456789ab")
    (volume / "bob-0123456789ab").mkdir()
    (volume / "bob-0123456789ab" / spaces.DATABASE).write_text("what MLflow was told to write here")
    (damaged,) = spaces.copy(volume)
    assert damaged.startswith("bob-0123456789ab is backed up without runs: mlflow.db cannot be")
    spaces.put_back(tmp_path, restored)
    for name in ("ada-0123456789ab", "eve-0123456789ab"):
        with closing(sqlite3.connect(restored / name / spaces.DATABASE)) as database:
            assert database.execute("SELECT of FROM runs").fetchall() == [(name,)]
    assert not (restored / "link").exists()


def test_its_volume_is_in_a_backup_and_comes_back_under_this_platforms_name() -> None:
    labels = {
        "io.jhub-docker.platform": "old",
        "com.docker.compose.project": "old",
        "com.docker.compose.volume": "tracking",
    }
    sockets = {**labels, "com.docker.compose.volume": "tracking_sockets"}
    listing = [
        {"Name": "old_tracking", "Labels": labels},
        {"Name": "old_tracking_sockets", "Labels": sockets},
    ]
    (found,) = of_platform(listing, "old", "data")
    assert found["kind"] == plan.SPACES
    snapshot = {
        **{"id": "1", "time": "2026", "kind": plan.SPACES, "person": "", "complete": True},
        **{"volume": "old_tracking", "labels": labels},
    }
    then, now = {"JHUB_PLATFORM": "old"}, {"JHUB_PLATFORM": "new"}
    (item,) = plan.items([snapshot], {}, "new", plan.names([snapshot], "data", then, now))
    assert item.volume == "new_tracking"
    assert item.labels["com.docker.compose.project"] == "new"
    assert "what MLflow has tracked" in plan.told([item])
