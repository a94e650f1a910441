"""Backups on bad days: killed, full, cut off, to real servers; and everything comes back."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from docker.errors import ContainerError, NotFound

from jhub_testing import repositories
from jhub_testing.backups import Backups
from jhub_testing.resources import Engine
from jhub_testing.waiting import PATIENCE, wait_until

from .conftest import LABEL, MakePlatform

LARGE = 100_000_000
"""Bytes of a home that takes restic long enough to be killed meanwhile."""


KNOWN_HOMES = """
import sqlite3
database = sqlite3.connect("file:/home-volume/jupyterhub.sqlite?mode=ro", uri=True)
for (volume,) in database.execute("SELECT volume FROM platform_home_volumes"):
    print(volume)
"""


def complete(backups: Backups, **variables: str) -> list[set[str]]:
    """The volumes of each backup that calls itself complete."""
    found = json.loads(backups.invoke("backup.list", "--json", **variables))["snapshots"]
    runs = {one["run"] for one in found if one["kind"] == "hub" and one["complete"]}
    return [{one["volume"] for one in found if one["run"] == run} for run in sorted(runs)]


def everything(backups: Backups, *people: str) -> set[str]:
    return {*map(backups.home, people), backups.platform.environment["JHUB_DATA_VOLUME"]}


class Started:
    """A task that is under way."""

    def __init__(self, backups: Backups, *arguments: str, **variables: str) -> None:
        self.backups = backups
        self.process = subprocess.Popen(
            [sys.executable, "-m", "invoke", *arguments],
            cwd=backups.platform.root,
            env={**backups.platform.environment, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def worker(self) -> str:
        return f"{self.backups.platform.project}-backup-worker"

    def kill_worker(self) -> None:
        self.backups.platform.engine.client.api.kill(self.worker(), signal.SIGKILL)

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()

    def end(self) -> tuple[int, str]:
        said, _ = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, said


def wait_for_data(place: Path, at_least: int) -> None:
    """Wait until so many packs are in the repository."""
    wait_until(
        lambda: sum(path.is_file() for path in place.glob("data/*/*")) >= at_least,
        f"{at_least} packs in the repository",
    )


@pytest.mark.parametrize("packs", [0, 1, 4])
def test_a_killed_backup_is_none_and_damages_nothing(
    make: MakePlatform, place: Path, packs: int
) -> None:
    backups = make("killed", "ada", "bob", size=LARGE // 2)
    started = Started(backups, "backup")
    wait_until(lambda: any(place.glob("locks/*")), "the lock of a backup")
    wait_for_data(place, packs)
    started.kill_worker()
    code, said = started.end()
    assert code == 1, said
    assert "was killed" in said
    assert complete(backups) == []
    backups.invoke("backup")
    assert complete(backups) == [everything(backups, "ada", "bob")]
    assert "are sound" in backups.invoke("backup.verify")


def test_a_backup_outlives_who_asked_for_it_and_is_the_only_one(
    make: MakePlatform, place: Path
) -> None:
    backups = make("orphan", "ada", size=LARGE)
    started = Started(backups, "backup")
    wait_for_data(place, 1)
    client = backups.platform.engine.client
    client.api.pause(started.worker())
    started.kill()
    assert "is at work" in backups.refused("backup", code=1)
    assert "is at work" in backups.refused("backup.verify", code=1)
    client.api.unpause(started.worker())

    def ended() -> bool:
        try:
            return bool(client.containers.get(started.worker()).status == "exited")
        except NotFound:
            return True

    wait_until(ended, "the worker to end")
    assert complete(backups) == [everything(backups, "ada")]


def test_two_backups_at_once_are_made_one_after_the_other(make: MakePlatform, place: Path) -> None:
    backups = make("two", "ada", size=LARGE)
    first = Started(backups, "backup")
    wait_for_data(place, 1)
    second = Started(backups, "backup")
    for started in (first, second):
        code, said = started.end()
        assert code == 0, said
    assert len(complete(backups)) == 2


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk with 30 MB; mounting it needs root, as this session says."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=30m", "tmpfs", str(disk)], check=True)
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_a_full_disk_is_told_and_a_lost_one_is_not_made_anew(
    make: MakePlatform, small_disk: Path
) -> None:
    backups = make("full", "ada", size=60_000_000, JHUB_BACKUP_TO=str(small_disk))
    assert "no space left on device" in backups.refused("backup", code=1)
    assert complete(backups) == []
    subprocess.run(["mount", "-o", "remount,size=300m", str(small_disk)], check=True)
    backups.invoke("backup")
    assert complete(backups) == [everything(backups, "ada")]
    assert "are sound" in backups.invoke("backup.verify")
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(small_disk)], check=True)
    assert "is its disk mounted?" in backups.refused("backup", code=1)
    assert list(small_disk.iterdir()) == []
    subprocess.run(["umount", str(small_disk)], check=True)


def test_an_append_only_server_keeps_what_is_due_and_that_is_said(
    engine: Engine, make: MakePlatform, tmp_path: Path
) -> None:
    with repositories.rest(tmp_path / "rest", "--append-only") as server:
        to = f"rest:http://{repositories.host_of(engine)}:{server.port}/"
        backups = make("rest", "ada", JHUB_BACKUP_TO=to, JHUB_BACKUP_KEEP="last=1")
        assert "Warning" not in backups.invoke("backup")
        assert "an append-only server keeps them" in backups.invoke("backup")
        assert len(complete(backups)) == 2
        before = backups.files(backups.home("ada"))
        backups.in_volume(backups.home("ada"), "rm /home-volume/data.bin")
        backups.invoke("restore", "--user=ada", "--yes")
        assert backups.files(backups.home("ada")) == before
    assert "cannot be reached" in backups.refused("backup", code=1)


def test_a_server_that_is_away_for_a_while_costs_no_backup(
    engine: Engine, make: MakePlatform, tmp_path: Path
) -> None:
    with repositories.rest(tmp_path / "rest") as server:
        to = f"rest:http://{repositories.host_of(engine)}:{server.port}/"
        backups = make("cut", "ada", size=LARGE, JHUB_BACKUP_TO=to, JHUB_BACKUP_KEEP="last=1")
        started = Started(backups, "backup")
        wait_for_data(tmp_path / "rest", 1)
        server.kill()
        with server:
            code, said = started.end()
            assert code == 0, said
            assert "2 snapshots were removed" in backups.invoke("backup")
            backups.invoke("backup", "--user=ada")
            backups.invoke("backup", "--hub")
            left = "the part of a run counted instead of the run"
            assert everything(backups, "ada") in complete(backups), left
            told = backups.refused("restore")
            assert told.count("REPLACES") == 2, told
            assert "are sound" in backups.invoke("backup.verify")


def test_a_real_s3(engine: Engine, make: MakePlatform, tmp_path: Path) -> None:
    with repositories.s3(tmp_path / "s3") as server:
        to = f"s3:http://{repositories.host_of(engine)}:{server.port}/backups"
        backups = make("s3", "ada", JHUB_BACKUP_TO=to, **repositories.KEYS)
        backups.invoke("backup")
        before = backups.files(backups.home("ada"))
        backups.in_volume(backups.home("ada"), "rm -r /home-volume/*")
        backups.invoke("restore", "--user=ada", "--yes")
        assert backups.files(backups.home("ada")) == before
        assert "are sound" in backups.invoke("backup.verify", "--part=50%")
        denied = backups.refused("backup", AWS_SECRET_ACCESS_KEY="another", code=1)
        assert "cannot be used" in denied


def test_everything_comes_back_onto_an_empty_platform_of_another_name(
    make: MakePlatform, tmp_path: Path
) -> None:
    old = make("old", "ada", "bob")
    old.invoke("backup")
    key = tmp_path / "key"
    key.write_text(old.invoke("backup.key"))
    new = make("new")
    assert "its key is not here (--key-file)" in new.refused("restore", "--yes", code=1)
    told = new.invoke("restore", f"--key-file={key}", "--yes")
    assert "3 volumes are restored" in told
    for person in ("ada", "bob"):
        assert new.files(new.home(person)) == old.files(old.home(person))
        volume = new.platform.engine.client.volumes.get(new.home(person))
        assert volume.attrs["Labels"][f"{LABEL}.platform"] == new.platform.project
        assert volume.attrs["Labels"][f"{LABEL}.home"] == f"word-{person}"
    known = new.platform.engine.run(
        f"local/jupyterhub-hub:{new.platform.environment['JHUB_IMAGE_TAG']}",
        ["python3", "-c", KNOWN_HOMES],
        volumes={new.platform.environment["JHUB_DATA_VOLUME"]: {"bind": "/home-volume"}},
    )
    assert set(known.split()) == {new.home("ada"), new.home("bob")}
    assert new.invoke("backup.key").strip() == key.read_text().strip()


def test_a_killed_restore_goes_on(make: MakePlatform, place: Path) -> None:
    backups = make("back", "ada", "bob", size=30_000_000)
    backups.invoke("backup")
    homes = [backups.home("ada"), backups.home("bob")]
    before = [backups.files(home) for home in homes]
    for home in homes:
        backups.in_volume(home, "rm -r /home-volume/*; echo of-today > /home-volume/today")
    started = Started(backups, "restore", "--user=ada", "--user=bob", "--yes")

    wait_until(lambda: worker_runs(started), "the worker of the restore")
    started.kill_worker()
    code, said = started.end()
    assert code == 1, said
    for home in homes:
        assert backups.in_volume(home, "cat /home-volume/today").strip() == "of-today"
    backups.invoke("restore", "--user=ada", "--user=bob", "--yes")
    assert [backups.files(home) for home in homes] == before


def worker_runs(started: Started) -> bool:
    """Whether the worker that stages is at work: it alone has the volumes."""
    client = started.backups.platform.engine.client
    try:
        worker = client.containers.get(started.worker())
    except NotFound:
        return False
    mounted = {mount.get("Name") for mount in worker.attrs["Mounts"]}
    return worker.status == "running" and started.backups.home("ada") in mounted


def test_the_service_backs_up_by_itself_and_is_unhealthy_when_it_cannot(
    make: MakePlatform, place: Path
) -> None:
    backups = make("service", "ada", JHUB_BACKUP_SCHEDULE="00:00")
    backups.platform.compose("--profile", "backup", "create", "backup")
    desk = f"{backups.platform.project}_desk"
    backups.in_volume(desk, "mkdir /home-volume/told")  # as a hub makes it
    backups.platform.compose("--profile", "backup", "up", "--detach", "--no-deps", "backup")
    made_up = "a backup that was missed to be made up"
    wait_until(lambda: complete(backups), made_up, ignoring=AssertionError)
    told = wait_until(
        lambda: backups.in_volume(desk, "cat /home-volume/told/*.json"),
        "the audit log to be told",
        ignoring=ContainerError,
    )
    entry = json.loads(told)
    assert (entry["what"], entry["who"], entry["result"]) == ("backup", "service backup", "ok")
    place.rename(place.with_name("elsewhere"))
    service = backups.platform.container("backup")
    told = service.exec_run(["python", "-m", "jhub_backup", "health"])
    assert told.exit_code == 0, told.output
    assert "is its disk mounted?" in backups.refused("backup", code=1)
    told = service.exec_run(["python", "-m", "jhub_backup", "health"])
    assert told.exit_code == 1
    assert b"is its disk mounted?" in told.output
    backups.platform.compose("--profile", "backup", "down")
