"""How the container that backs up is started, where an engine refuses or is away."""

import io
import json
import subprocess
import tarfile
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from docker.errors import APIError, DockerException
from docker.types import Mount

from jhub_backup import credentials, launcher, repository, status
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
    status.write(tmp_path, "backup", "", to="/elsewhere", own=False)
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


@pytest.mark.parametrize("do", ["snapshots", "verify", "stage", "drilled"])
def test_what_only_reads_a_repository_makes_no_folder(do: str) -> None:
    client = engine("one")
    launcher._create(client, {"do": do, "platform": "demo", "to": "/x"}, SETTINGS)
    made = client.containers.create.call_args.kwargs
    assert "/x" not in made["volumes"], "the engine makes what is mounted so"
    assert [one["Source"] for one in made["mounts"]] == ["/x"] * (do != "drilled")
    missing = "invalid mount config: bind source path does not exist: /x"
    client.containers.create.side_effect = APIError("400", explanation=missing)
    with pytest.raises(BackupError, match="the engine's machine has no /x"):
        launcher._create(client, {"do": do, "platform": "demo", "to": "/x"}, SETTINGS)


@pytest.mark.parametrize(
    ("there", "known", "says"),
    [
        ({"/mnt", "/mnt/backup"}, True, ""),
        ({"/mnt"}, False, "/mnt/backup was not there: the folder is made"),
        ({"/mnt"}, True, "is its disk mounted"),
        (set(), False, "the engine's machine has no /mnt:"),
    ],
)
def test_a_folder_is_made_where_that_can_be_no_mistake_and_it_is_said(
    there: set[str],
    known: bool,
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def create(*_: object, mounts: list[Mount], **__: object) -> MagicMock:
        if lacking := {one["Source"] for one in mounts} - there:
            raise APIError("400", explanation=f"bind source path does not exist: {lacking}")
        return MagicMock()

    monkeypatch.setattr(repository, "STATE", tmp_path)
    monkeypatch.setattr(launcher, "STATE", tmp_path)
    (tmp_path / "repositories").mkdir()
    if known:
        repository.remembered("/mnt/backup").touch()
    client = engine("one")
    client.containers.create = MagicMock(side_effect=create)
    asked = {"do": "backup", "platform": "demo", "to": "/mnt/backup", "own": True}
    try:
        launcher._create(client, asked, SETTINGS)
        said = capsys.readouterr().out
    except BackupError as error:
        said = str(error)
        assert status.read(tmp_path)["backup"]["wrong"] == said, "the service is unhealthy then"
    assert says in said
    assert bool(says) == bool(said)
    made = client.containers.create.call_args.kwargs.get("volumes", {})
    assert ("/mnt/backup" in made) == ("is made" in said), "the engine makes what is mounted so"


def test_credentials_are_in_a_request_and_in_no_containers_configuration(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = engine("one")
    client.containers.create.return_value.wait.return_value = {"StatusCode": 0}
    monkeypatch.setattr("docker.from_env", lambda **_: client)
    told = SETTINGS | {"AWS_SECRET_ACCESS_KEY": "hush", "AWS_DEFAULT_REGION": "north"}
    assert launcher.run({"do": "verify"}, told) == 0
    assert "hush" not in str(client.containers.create.call_args)
    (packed,) = client.containers.create.return_value.put_archive.call_args.args[1:]
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        file = tar.extractfile("request.json")
        assert file
        assert json.load(file)["credentials"]["AWS_SECRET_ACCESS_KEY"] == "hush"


def test_credentials_are_files_that_can_be_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, folder = "RESTIC_REST_PASSWORD", tmp_path / "settings"
    (tmp_path / "password").write_text("the key")
    monkeypatch.setattr("sys.stdin", io.StringIO("hush\n"))
    assert credentials.command(["set", name], folder) == 0
    assert credentials.given({}, folder) == {name: "hush"}
    assert credentials.given({name: "said"}, folder) == {name: "said"}
    named = {f"{name}_FILE": str(tmp_path / "password")}
    assert credentials.given(named, folder) == {name: "the key"}
    assert (folder / name).stat().st_mode & 0o777 == 0o600
    assert credentials.command(["remove", name], folder) == 0
    with pytest.raises(BackupError, match="is not kept, so there is nothing to remove"):
        credentials.command(["remove", name], folder)
    assert credentials.given({}, folder) == {}
    for wrong in (["set", "PATH"], ["set"], ["remove", "../password"]):
        with pytest.raises(BackupError, match="AWS_SECRET_ACCESS_KEY"):
            credentials.command(wrong, folder)
    with pytest.raises(BackupError, match="cannot be read"):
        credentials.given({f"{name}_FILE": str(tmp_path / "none")}, folder)


STACK = """Remove(<snapshot/21>) returned error, retrying after 1s: server response: 403
blob not removed, server response: 403 Forbidden (403)
github.com/restic/restic/internal/backend/rest.(*Backend).Remove
\tgithub.com/restic/restic/internal/backend/rest/rest.go:399
runtime.goexit
\truntime/asm_amd64.s:1594
"""


class AppendOnly(repository.Repository):
    """restic 0.14 with one snapshot that is due, at a server that removes none."""

    def _run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        match arguments:
            case ["forget", "--dry-run", *_]:
                said = (0, '[{"remove": [{"id": "21"}]}]\n', "")
            case ["forget", "21"]:
                said = (1, "", STACK)
        return subprocess.CompletedProcess(arguments, *said)

    def snapshots(self) -> list[dict[str, Any]]:
        return [{"id": "21"}]


def test_what_a_server_keeps_is_told_in_its_own_words_and_without_a_stack() -> None:
    forgotten, said = AppendOnly("rest:http://x/", "demo").forget({"last": "1"}, "whole")
    wanted = "1 snapshots that are due are still there: blob not removed, server response: 403"
    assert (forgotten, said.partition(" Forbidden")[0]) == (0, wanted)
    assert "append-only server keeps them" in said


class Keys(repository.Repository):
    """A repository's keys, by the text that opens it; `until` counts what is done before a kill."""

    def __init__(self, folder: Path) -> None:
        self.key = folder / "password"
        self.key.write_text("first")
        self.keys, self.until = {"first"}, 99

    def checked(self, *arguments: str) -> str:
        self.until -= 1
        if not self.until:
            raise KeyboardInterrupt
        match arguments[1]:
            case "add":
                self.keys.add(Path(arguments[3]).read_text())
            case "remove":
                self.keys.remove(arguments[2])
        current = self.key.read_text()
        return json.dumps([{"id": one, "current": one == current} for one in self.keys])


@pytest.mark.parametrize("until", [1, 2, 3])
def test_a_key_that_was_being_replaced_is_gone_after_the_next_try(
    tmp_path: Path, until: int
) -> None:
    keys = Keys(tmp_path)
    keys.until = until
    with pytest.raises(KeyboardInterrupt):
        keys.renew_key()
    assert keys.key.read_text() in keys.keys, "the repository opens all the time"
    keys.until = 99
    keys.renew_key()
    assert keys.key.read_text() in keys.keys
    assert "first" not in keys.keys


def test_records_in_postgres_are_copied_by_the_hub_first() -> None:
    client = engine("one")
    hub = MagicMock()
    client.containers.list.return_value = [hub]
    hub.exec_run.return_value = MagicMock(exit_code=0)
    launcher._have_copied(client, "demo")
    assert hub.exec_run.call_args.args[0][-1] == "copy"
    hub.exec_run.return_value = MagicMock(exit_code=2, output=b"Log\nthe database cannot be used")
    with pytest.raises(BackupError, match="was not copied: the database cannot be used"):
        launcher._have_copied(client, "demo")
    client.containers.list.return_value = []
    with pytest.raises(BackupError, match="the hub does not run"):
        launcher._have_copied(client, "demo")
