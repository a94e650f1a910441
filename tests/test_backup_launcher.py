"""How the container that backs up is started, where an engine refuses or is away."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from docker.errors import APIError, DockerException

from jhub_backup import launcher, status
from jhub_backup.errors import BackupError

SETTINGS = {
    "JHUB_PLATFORM": "demo",
    "JHUB_BACKUP_TO": "/mnt/x",
    "JHUB_BACKUP_VOLUME": "key",
    "JHUB_DATA_VOLUME": "data",
}


def engine(identity: str) -> MagicMock:
    """An engine with a worker that has just been made."""
    client = MagicMock()
    client.info.return_value = {"ID": identity}
    client.containers.get.return_value.attrs = {"Created": "2030-01-01T00:00:00.0Z"}
    client.containers.get.return_value.status = "running"
    return client


def test_an_engine_that_is_away_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("docker.from_env", MagicMock(side_effect=DockerException("gone")))
    with pytest.raises(BackupError, match="does not answer: gone"):
        launcher.run({"do": "backup"}, SETTINGS)


def test_a_worker_that_cannot_start_does_not_count_as_one_at_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = engine("one")
    worker = client.containers.create.return_value
    worker.start.side_effect = APIError("500", explanation="read-only file system")
    monkeypatch.setattr("docker.from_env", lambda **_: client)
    with pytest.raises(BackupError, match="read-only file system"):
        launcher.run({"do": "verify"}, SETTINGS)
    worker.remove.assert_called_once_with(force=True)


def test_platforms_of_one_name_on_two_engines_leave_each_others_locks() -> None:
    def hostname(identity: str) -> str:
        client = engine(identity)
        launcher._create(client, {"do": "verify", "platform": "x" * 60, "to": "/x"}, SETTINGS)
        return str(client.containers.create.call_args.kwargs["hostname"])

    assert hostname("one") != hostname("two")
    assert len(hostname("one")) <= 63, "no host name is longer"


@pytest.mark.parametrize(
    ("asked", "extent"),
    [({}, "whole"), ({"hub": True}, "part"), ({"people": ["ada"], "hub": True}, "part")],
)
def test_what_leaves_something_out_is_a_part(asked: dict[str, Any], extent: str) -> None:
    labels = {"io.jhub-docker.platform": "demo", "io.jhub-docker.user": "ada"}
    listing = [{"Name": "data", "Labels": None}, {"Name": "home-ada", "Labels": labels}]
    client = engine("one")
    client.api.volumes.return_value = {"Volumes": listing}
    request = {"platform": "demo", **asked}
    assert launcher._what_to_back_up(client, request, SETTINGS)["extent"] == extent


def test_the_hub_is_told_times_and_failures_and_no_words(tmp_path: Path) -> None:
    status.write(tmp_path, "backup", "")
    status.write(tmp_path, "backup", "the disk at /mnt/secret-place is full")
    place = tmp_path / "metrics" / "status.json"
    status.tell(tmp_path, place)
    assert not place.exists(), "a hub that is older makes no folder for it"
    place.parent.mkdir()
    status.tell(tmp_path, place)
    (what, told), *others = json.loads(place.read_text()).items()
    assert (what, told["failed"], others) == ("backup", True, [])
    assert datetime.fromisoformat(told["succeeded"]).tzinfo
    assert "secret-place" not in place.read_text()
    assert place.stat().st_mode & 0o777 == 0o644
