"""Homes are measured as the disk has them, cheaply, and people are told of theirs."""

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from jupyterhub import orm
from sqlalchemy.orm import Session

from hub_config.lifetimes import homes, measuring
from hub_config.lifetimes.measuring import Measured, go_round, measure
from hub_config.lifetimes.sizes import Sizes, say
from hub_config.moments import written

MB = 10**6


def home(volumes: Path, name: str, size: int) -> Path:
    folder = volumes / name / "_data"
    folder.mkdir(parents=True)
    (folder / "file").write_bytes(os.urandom(size))
    return folder


def size_of(folder: Path) -> int:
    found = measure(folder)
    assert found
    return found.size


def test_a_home_is_what_it_takes_on_the_disk(tmp_path: Path) -> None:
    folder = home(tmp_path, "one", MB)
    plain = size_of(folder)
    assert MB <= plain < 1.1 * MB
    os.link(folder / "file", folder / "the same")
    (folder / "elsewhere").symlink_to("/usr")
    with (folder / "sparse").open("wb") as sparse:
        sparse.truncate(10**9)
    assert size_of(folder) < 1.1 * MB
    (folder / "below").mkdir()
    (folder / "below" / "more").write_bytes(os.urandom(MB))
    assert 2 * MB <= size_of(folder) < 2.1 * MB


def test_of_very_many_files_it_is_said_that_there_are_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measuring, "MOST_FILES", 2)
    for number in range(4):
        (tmp_path / f"{number}").write_bytes(b"x")
    found = measure(tmp_path)
    assert found
    assert not found.whole
    assert "more than" in say(found, 0, datetime.now(UTC)).sentence


def test_one_round_measures_homes_alone_and_pauses_after_each(tmp_path: Path) -> None:
    volumes, result = tmp_path / "volumes", tmp_path / "sizes.json"
    for name in ("home-ann", "home-bob", "other"):
        home(volumes, name, 1000)
    home(volumes, "home-nfs", 1000)
    (volumes / "home-nfs" / "opts.json").write_text("{}")
    result.write_text(json.dumps({"home-gone": vars(Measured(1, "2026-01-01T00:00:00+00:00"))}))
    pauses: list[float] = []

    def pause(seconds: float) -> bool:
        pauses.append(seconds)
        return False

    assert sorted(go_round(volumes, ("home-",), result, pause)) == ["home-ann", "home-bob"]
    assert sorted(measuring.read(result)) == ["home-ann", "home-bob"]
    assert [seconds >= measuring.LEAST_PAUSE for seconds in pauses] == [True, True]
    assert len(go_round(volumes, ("home-",), tmp_path / "new.json", lambda _: True)) == 1


def test_neither_a_home_that_goes_nor_one_without_end_keeps_others_from_being_measured(
    tmp_path: Path,
) -> None:
    volumes, result = tmp_path / "volumes", tmp_path / "sizes.json"
    for name in ("home-ann", "home-bob", "home-cat"):
        home(volumes, name, MB)
    result.write_text(json.dumps({"home-bob": vars(Measured(1, "2026-01-01T00:00:00+00:00"))}))
    at = os.open(volumes / "home-ann" / "_data", os.O_RDONLY)
    for _ in range(sys.getrecursionlimit() + 10):
        os.mkdir("deeper", dir_fd=at)
        below = os.open("deeper", os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.close(at)

    def pause(_: float) -> bool:
        shutil.rmtree(volumes / "home-bob", ignore_errors=True)
        return False

    try:
        found = go_round(volumes, ("home-",), result, pause)
    finally:
        subprocess.run(["rm", "-r", volumes / "home-ann"], check=True)  # pytest would go as deep
    assert sorted(found) == sorted(measuring.read(result)) == ["home-ann", "home-cat"]
    assert not found["home-ann"].whole
    assert found["home-ann"].size >= MB


def test_a_file_that_is_none_is_nothing_known(tmp_path: Path) -> None:
    for text in ("", "[]", '{"home": 1}', '{"home": {"length": 1}}'):
        (tmp_path / "sizes.json").write_text(text)
        assert measuring.read(tmp_path / "sizes.json") == {}


NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("size", "limit", "at", "says", "near"),
    [
        (5 * MB, 0, "11:40", "Your files take 5 MB (measured 20 min ago).", False),
        (8 * 10**9, 10**10, "09:00", "8.0 GB of the 10.0 GB a home should have at most", False),
        (9 * 10**9, 10**10, "09:00", "(measured 3 h ago). Please delete what you do not", True),
    ],
)
def test_people_are_told_and_warned(size: int, limit: int, at: str, says: str, near: bool) -> None:
    told = say(Measured(size, f"2026-11-30T{at}:00+00:00"), limit, NOON)
    assert says in told.sentence
    assert told.near is near


def test_a_person_is_told_of_the_own_home_and_nobody_of_none(db: Session, tmp_path: Path) -> None:
    file = tmp_path / "sizes.json"
    db.add(user := orm.User(name="ann"))
    db.commit()
    volume = homes.claim(db, user.id, "ann", "home-").volume
    ann = SimpleNamespace(id=user.id, db=db, spawners={})
    sizes = Sizes(file, 0)
    assert sizes(ann) is None
    file.write_text(json.dumps({volume: vars(Measured(3 * MB, written()))}))
    told = sizes(ann)
    assert told is not None
    assert told.sentence.startswith("Your files take 3 MB (measured 0 min ago)")
    assert sizes(None) is None
    assert sizes(SimpleNamespace(id=user.id + 1, db=db, spawners={})) is None
