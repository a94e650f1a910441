"""What of backing up needs no engine: which volumes, what goes where, when, and what is kept."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from jhub_backup import address, hub_data, launcher, schedule, status, volumes, worker
from jhub_backup.errors import BackupError
from jhub_docker.backup import plan
from jhub_docker.backup.restoring import Wanted, checked
from jhub_docker.errors import UsageError

LABEL = "io.jhub-docker"
HOME = {f"{LABEL}.platform": "demo", f"{LABEL}.user": "a,b=c", f"{LABEL}.home": "word"}


def test_a_platforms_volumes_are_found_by_their_labels() -> None:
    compose = {f"{LABEL}.platform": "demo", "com.docker.compose.volume": "engine"}
    listing: list[dict[str, Any]] = [
        {"Name": "data", "Labels": compose},
        {"Name": "demo_engine", "Labels": compose},
        {"Name": "key", "Labels": {f"{LABEL}.backup": "key", f"{LABEL}.platform": "demo"}},
        {"Name": "home-x", "Labels": HOME},
        {"Name": "shared-x", "Labels": {f"{LABEL}.platform": "demo", f"{LABEL}.folder": "x"}},
        {"Name": "of-another", "Labels": {**HOME, f"{LABEL}.platform": "other"}},
        {"Name": "nobodys", "Labels": None},
    ]
    found = volumes.of_platform(listing, "demo", "data")
    assert [(one["kind"], one["name"]) for one in found] == [
        ("home", "home-x"),
        ("shared", "shared-x"),
        ("hub", "data"),
    ]


def test_tags_say_all_that_a_volume_is() -> None:
    volume = {"name": "home-x", "kind": "home", "person": "a,b=c", "labels": HOME}
    tags = volumes.tags(volume, "run1")
    assert not any("," in tag for tag in tags), "restic would take it for two"
    said = volumes.described({"id": "1", "time": "t", "hostname": "demo", "tags": tags})
    assert (said["person"], said["labels"], said["run"]) == ("a,b=c", HOME, "run1")
    assert said["complete"]


@pytest.mark.parametrize("to", ["/mnt/x", "s3:https://host/bucket", "rest:http://host/"])
def test_repositories_that_can_be(to: str) -> None:
    address.require(to)


@pytest.mark.parametrize(
    "to",
    [
        *("", "relative", "ftp://host", "s3:bucket", "s3:https:///bucket"),
        *("rest:http://host:port/", "rest:http://[::1/"),
    ],
)
def test_repositories_that_cannot_be(to: str) -> None:
    with pytest.raises(BackupError, match="expected a folder") as refused:
        address.require(to)
    assert refused.value.code == 2


def test_a_password_of_any_signs_is_part_of_the_address_and_of_no_message() -> None:
    login = {"RESTIC_REST_USERNAME": "ops@home", "RESTIC_REST_PASSWORD": "p@ss/w:rd %"}
    to = address.with_login("rest:https://host/a@b/", login)
    parts = urlsplit(to.removeprefix("rest:"))
    assert (parts.hostname, parts.path) == ("host", "/a@b/")
    assert (unquote(parts.username or ""), unquote(parts.password or "")) == (*login.values(),)
    assert address.with_login("rest:https://me:pw@host/", login) == "rest:https://me:pw@host/"
    assert address.shown("rest:https://me:pw@host/x") == "rest:https://me:***@host/x"
    assert address.shown("rest:https://me:p/w@host/x") == "rest:https://me:***@host/x"
    assert address.shown("rest:https://host:80/a@b") == "rest:https://host:80/a@b"
    with pytest.raises(BackupError) as refused:
        address.require("rest:https://me:secret@host:port/")
    assert "secret" not in str(refused.value)


def test_what_is_kept_is_words_or_refused() -> None:
    assert launcher.keep("daily=7, weekly=4") == {"daily": "7", "weekly": "4"}
    with pytest.raises(BackupError, match="'daily'"):
        launcher.keep("daily")


NOON = datetime(2030, 5, 5, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({}, NOON),
        ({"succeeded": "2030-05-05T02:31:00+00:00"}, datetime(2030, 5, 6, 2, 30, tzinfo=UTC)),
        ({"succeeded": "2030-05-04T02:31:00+00:00"}, NOON),
        (
            {"tried": "2030-05-05T11:50:00+00:00", "wrong": "full"},
            datetime(2030, 5, 5, 12, 20, tzinfo=UTC),
        ),
    ],
    ids=["never", "done", "missed", "failed"],
)
def test_when_the_next_backup_begins(known: dict[str, str], expected: datetime) -> None:
    assert schedule.next_start(NOON, schedule.times("02:30"), known) == expected


def test_a_status_that_was_cut_off_is_none(tmp_path: Path) -> None:
    status.write(tmp_path, "backup", "")
    assert status.read(tmp_path)["backup"]["succeeded"]
    (tmp_path / status.NAME).write_text("{")
    assert status.read(tmp_path) == {}


def test_each_repository_has_a_status_of_its_own(tmp_path: Path) -> None:
    (tmp_path / status.NAME).write_text('{"verify": {"wrong": "damaged"}}')  # of an older image
    assert status.read(tmp_path, "/mnt/x") == {"verify": {"wrong": "damaged"}}
    status.write(tmp_path, "backup", "", to="/mnt/x")
    status.write(tmp_path, "backup", "full", to="/usb", own=False)
    assert status.read(tmp_path, "/usb")["backup"]["wrong"] == "full"
    assert status.read(tmp_path, "/mnt/x").keys() == {"verify", "backup"}
    assert status.read(tmp_path, "/elsewhere") == {}
    assert status.read(tmp_path)["backup"]["wrong"] == "", "the platform's own is well"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"JHUB_BACKUP_TO": ""}, "no repository is named; expected a folder"),
        ({"JHUB_BACKUP_TO": "backups"}, "'backups'; expected a folder .* by its whole path"),
        ({"JHUB_BACKUP_SCHEDULE": "noon"}, "'noon'"),
    ],
)
def test_settings_are_judged_without_a_backup(settings: dict[str, str], said: str) -> None:
    right = {"JHUB_BACKUP_TO": "/mnt/x", "JHUB_BACKUP_SCHEDULE": "02:30"}
    schedule.check(right)
    schedule.check(right | {"JHUB_BACKUP_TO": ""}, scheduled=False)
    with pytest.raises(BackupError, match=said):
        schedule.check(right | settings)


def snapshot(kind: str, volume: str, run: str, **more: Any) -> dict[str, Any]:
    return {
        "id": f"{run}{volume}".ljust(64, "0"),
        "time": f"2030-01-0{run[-1]}T00:00:00Z",
        "platform": "demo",
        "run": run,
        "kind": kind,
        "volume": volume,
        "person": volume.removeprefix("home-") if kind == "home" else "",
        "whole": True,
        "complete": True,
        "labels": {plan.WORD: volume} if kind == "home" else {},
    } | more


FOUND = [
    snapshot("home", "home-ada", "run1"),
    snapshot("hub", "data", "run1"),
    snapshot("home", "home-ada", "run2"),
    snapshot("home", "home-bob", "run2"),
    snapshot("hub", "data", "run2", complete=False),
    snapshot("home", "home-ada", "run3"),
]


def test_everything_is_the_newest_complete_run() -> None:
    assert {one["run"] for one in plan.everything(FOUND)} == {"run1"}
    assert len(plan.everything(FOUND, "run2")) == 3
    with pytest.raises(UsageError, match="no backup 'run9'"):
        plan.everything(FOUND, "run9")


def test_a_backup_of_the_hub_alone_brings_nobody_without_a_home_back() -> None:
    found = [*FOUND, snapshot("hub", "data", "run5", whole=False)]
    assert {one["run"] for one in plan.everything(found)} == {"run1"}
    assert [one["run"] for one in plan.of_hub(found)] == ["run5"]


def test_of_what_a_day_names_the_complete_is_taken_and_what_lacks_files_is_told() -> None:
    later = snapshot("home", "home-ada", "run1", id="later", complete=False)
    found = [*FOUND[:1], later]
    assert plan.of_people(found, ["ada"], "2030-01-01 00:00") == FOUND[:1]
    chosen = plan.of_people(found, ["ada"], "later")
    named = {"home-ada": "home-ada"}
    assert "INCOMPLETE" in plan.told(plan.items(chosen, {}, "demo", named))
    assert "INCOMPLETE" not in plan.told(plan.items(found[:1], {}, "demo", named))


def backed_up(monkeypatch: pytest.MonkeyPatch, state: Path, extent: str, **made: Any) -> Any:
    """What is known of the last backup after one that ended like this."""
    monkeypatch.setattr(worker, "STATE", state)
    monkeypatch.setattr(worker, "_backed_up", lambda _: {"wrong": [], "kept": ""} | made)
    worker.backup({"extent": extent, "to": "/mnt/x"})
    return status.read(state)["backup"]


def test_a_part_that_succeeds_does_not_hide_that_the_night_failed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    status.write(tmp_path, "backup", "full")
    assert backed_up(monkeypatch, tmp_path, volumes.PART)["wrong"] == "full"
    assert backed_up(monkeypatch, tmp_path, volumes.WHOLE)["wrong"] == ""


def test_what_an_append_only_server_keeps_makes_no_backup_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    known = backed_up(monkeypatch, tmp_path, volumes.WHOLE, kept="3 snapshots are still there")
    assert known["succeeded"]
    assert known["warning"] == "3 snapshots are still there"
    now = datetime.now(UTC)
    assert schedule.next_start(now, schedule.times("02:30"), known) > now


def test_a_person_is_the_newest_of_each_home() -> None:
    assert [one["run"] for one in plan.of_people(FOUND, ["ada"])] == ["run3"]
    assert [one["run"] for one in plan.of_people(FOUND, ["home-ada"], "2030-01-01")] == ["run1"]
    with pytest.raises(UsageError, match="no backup of 'eve'"):
        plan.of_people(FOUND, ["eve"])


def test_another_platforms_backup_has_to_be_the_only_one() -> None:
    assert plan.of_platform(FOUND, "new") == FOUND
    more = [*FOUND, snapshot("hub", "x", "run4", platform="third")]
    assert len(plan.of_platform(more, "demo")) == len(FOUND)
    with pytest.raises(UsageError, match="demo, third"):
        plan.of_platform(more, "new")


def test_a_volume_that_is_another_home_is_left_alone() -> None:
    def planned(there: dict[str, dict[str, str]]) -> plan.Item:
        then, now = ({"JHUB_USER_VOLUME_PREFIX": one} for one in ("home-", "mine-"))
        named = plan.names(FOUND, "mine-data", then, now)
        (item,) = plan.items(FOUND[:1], there, "mine", named)
        return item

    empty = planned({})
    assert (empty.volume, empty.exists) == ("mine-ada", False)
    assert empty.labels[f"{LABEL}.platform"] == "mine"
    assert planned({"mine-ada": {plan.WORD: "home-ada"}}).exists
    other = planned({"mine-ada": {plan.WORD: "somebody's"}})
    assert (other.volume, other.exists, other.beside) == ("mine-ada.2", False, True)
    again = planned({"mine-ada": {}, "mine-ada.2": {}, "mine-ada.3": {plan.WORD: "home-ada"}})
    assert (again.volume, again.exists) == ("mine-ada.3", True), "made by an earlier try"


@pytest.mark.parametrize("path", ["..", "../bob/x", "/", "a/../../b", "/etc/x", "/home/nebula2/x"])
def test_a_path_leads_out_of_no_home(path: str) -> None:
    with pytest.raises(UsageError, match="--path"):
        checked(Wanted(people=["ada"], path=path))


def test_a_path_is_as_a_person_says_it() -> None:
    assert checked(Wanted(people=["ada"], path="/home/nebula/a/b.txt")).path == "a/b.txt"
    with pytest.raises(UsageError, match="--user"):
        checked(Wanted(path="a"))


@pytest.mark.parametrize("table", hub_data.TABLES)
def test_a_restored_database_knows_its_volumes_here_and_removes_none_at_once(
    tmp_path: Path, table: str
) -> None:
    file = tmp_path / hub_data.NAME
    with closing(sqlite3.connect(file)) as db, db:
        db.execute(f"CREATE TABLE {table} (volume TEXT PRIMARY KEY, put_aside TEXT)")
        db.execute(f"INSERT INTO {table} VALUES ('a', NULL), ('b', '2001-01-01')")  # noqa: S608
        db.execute(f"INSERT INTO {table} VALUES ('c', 'of c')")  # noqa: S608
    hub_data.fit(file, {"a": "c", "c": "new-c", "b": "b"})
    with closing(sqlite3.connect(file)) as db:
        rows = dict(db.execute(f"SELECT volume, put_aside FROM {table}"))  # noqa: S608
    assert rows["c"] is None
    assert rows["new-c"], "one home has another's name"
    assert datetime.fromisoformat(rows["b"]).year > 2001


def test_a_damaged_database_is_no_backup(tmp_path: Path) -> None:
    source = tmp_path / hub_data.NAME
    source.write_bytes(b"SQLite format 3\0" + b"garbage" * 1000)
    with pytest.raises(BackupError, match="cannot be copied"):
        hub_data.copy(source, tmp_path / "copied")
    with pytest.raises(BackupError, match="no database"):
        hub_data.copy(tmp_path / "none", tmp_path / "copied-2")
