"""What the hub and the service that backs up say to each other, by files in a volume of both."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hub_config.audit import events
from hub_config.lifetimes import homes
from hub_config.lifetimes.homes import HomeError
from hub_config.reconcile import desk as desks
from hub_config.reconcile.desk import Desk
from hub_config.reconcile.pages import PutAsideHandler

from .hub_in_a_box import Box

Told = list[tuple[str, dict[str, Any]]]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """One that somebody answers at."""
    made = Desk(tmp_path / "desk")
    made.make()
    (made.folder / "told" / "served").touch()
    return made


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    """What the audit log is told."""
    found: Told = []
    monkeypatch.setattr(events, "tell", lambda what, **more: found.append((what, more)))
    return found


def ask(box: Box, desk: Desk, **form: str) -> None:
    """As an admin does on the page Homes."""
    page: Any = object.__new__(PutAsideHandler)
    page.application = SimpleNamespace(settings={"db": box.db})
    page._jupyterhub_user = SimpleNamespace(name="admin")
    page.desk, page.find_user = desk, box.hub.users.get
    page.get_body_argument = lambda name, default=None: form.get(name, default)
    page.give_file(form["person"])


def test_a_wish_is_answered_told_and_shown(new_box: Box, desk: Desk, told: Told) -> None:
    ann = new_box.person("ann")
    volume = homes.claim(new_box.db, ann.id, "ann", "home-").volume
    ask(new_box, desk, person="ann", file="/home/nebula/work/notes.txt", night="2026-11-29")
    (file,) = (desk.folder / "wishes").iterdir()
    wanted = {"who": "admin", "on": "ann", "volume": volume}
    wanted |= {"path": "work/notes.txt", "night": "2026-11-29"}
    assert json.loads(file.read_text()) == wanted
    assert file.stat().st_mode & 0o777 == 0o640
    desk.collect()
    assert [one["path"] for one in desk.waiting()] == ["work/notes.txt"]
    answer = {**wanted, "at": "2026-11-30T02:31:00.000+00:00", "what": "home.file-given"}
    answer |= {"result": "ok", "name": "notes.txt.from-2026-11-29"}
    (desk.folder / "told" / file.name).write_text(json.dumps(answer))
    desk.collect()
    desk.collect()
    ((what, entry),) = told
    assert (what, entry["who"], entry["on"]) == ("home.file-given", "admin", "ann")
    assert entry["at"] == answer["at"]
    assert not desk.waiting()
    assert [one["name"] for one in desk.done()] == ["notes.txt.from-2026-11-29"]


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"file": "../other"}, "no file or folder within a home"),
        ({"file": "/etc/passwd"}, "no file or folder within a home"),
        ({"file": "~/"}, "no file or folder within a home"),
        ({"file": "a\nb"}, "no file or folder within a home"),
        ({"file": "x", "night": "yesterday"}, "'yesterday' is no day"),
        ({"file": "x", "person": "eve"}, "no home of a person called eve"),
    ],
)
def test_what_cannot_be_asked_for_is_said(
    new_box: Box, desk: Desk, form: dict[str, str], said: str
) -> None:
    ann = new_box.person("ann")
    homes.claim(new_box.db, ann.id, "ann", "home-")
    with pytest.raises(HomeError, match=said):
        ask(new_box, desk, **{"person": "ann", **form})
    assert not desk.waiting()


def test_nobody_waits_for_ever_and_not_for_everything(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(desks.MOST_WAITING):
        desk.wish(path=f"{number}")
    with pytest.raises(HomeError, match="Too many"):
        desk.wish(path="one more")
    monkeypatch.setattr(desks, "SERVED_SECONDS", -1)
    with pytest.raises(HomeError, match="Nobody backs up"):
        desk.wish(path="one more")


def test_what_is_told_of_backups_is_told_once_and_what_is_none_is_passed_over(
    desk: Desk, told: Told
) -> None:
    place = desk.folder / "told"
    (place / "1.json").write_text('{"what": "backup", "who": "service backup", "result": "failed"}')
    (place / "2.json").write_text('{"what":')
    (place / "3.json").write_text("[]")
    (place / ".4.new").write_text('{"what": "backup"}')
    desk.collect()
    desk.collect()
    assert told == [("backup", {"on": "", "who": "service backup", "result": "failed"})]
    assert sorted(path.name for path in place.iterdir()) == [".4.new", "served"]
    assert not desk.done()


def test_only_the_last_answers_are_kept(desk: Desk, told: Told) -> None:
    for number in range(desks.MOST_SHOWN + 3):
        (desk.folder / "told" / f"{number:02}.json").write_text(f'{{"path": "{number}"}}')
    desk.collect()
    assert [one["path"] for one in desk.done()] == [str(number) for number in range(12, 2, -1)]
    assert len(told) == desks.MOST_SHOWN + 3
