"""What an operator's tasks do around the container that backs up; the engine is a stand-in."""

from contextlib import nullcontext, suppress
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest

from jhub_docker.backup import container, restoring
from jhub_docker.backup.container import Place
from jhub_docker.backup.plan import Item
from jhub_docker.backup.restoring import Wanted
from jhub_docker.errors import ActionError, UsageError
from jhub_docker.platform import chosen, compose, containers, starting
from jhub_docker.platform.left_over import drill_of
from jhub_docker.process import Ended

OF_HUB = {"id": "1", "time": "2030", "kind": "hub", "person": "", "volume": "data"}
OF_ADA = {"id": "2", "time": "2030", "kind": "home", "person": "ada", "volume": "ada"}
HUB, ADA = Item(OF_HUB, "data", {}, exists=True), Item(OF_ADA, "home-ada", {}, exists=True)
ASK = container.ask  # what tests put in its place below asks no engine
drilling = import_module("jhub_docker.backup.drill")  # the package has a function of that name


@pytest.fixture(autouse=True)
def no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing here reach an engine, also where what is tested does not refuse."""

    def reached(*_: object, **__: object) -> None:
        raise AssertionError("an engine would have been asked")

    for name in ("ask", "key"):
        monkeypatch.setattr(container, name, reached)
    monkeypatch.setattr(chosen, "read", reached)


@pytest.mark.parametrize("part", ["nonsense", "0%", "101%", "10", "-5%", "%"])
def test_a_part_that_cannot_be_is_no_damage(part: str) -> None:
    with pytest.raises(UsageError, match="--part is"):
        container.verify(Path(), Place("/x"), part)


def test_an_empty_key_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("\n")
    with pytest.raises(UsageError, match="has no key in it"):
        Place("/x", str(tmp_path / "key")).request(MagicMock())


def test_a_folder_is_told_by_its_whole_path() -> None:
    """`./dev` goes to the checkout, and the engine may be on another machine."""
    with pytest.raises(UsageError, match=r"--to is '\./backups'; expected a folder"):
        Place("./backups").request(MagicMock())


@pytest.mark.parametrize("wanted", [Wanted(people=["eve"]), Wanted(hub=True), Wanted()])
def test_where_a_backup_is_not_there_it_is_said_how_to_see_what_is(
    monkeypatch: pytest.MonkeyPatch, wanted: Wanted
) -> None:
    ada = {"platform": "demo", "kind": "home", "person": "ada", "volume": "ada", "whole": False}
    monkeypatch.setattr(container, "ask", lambda *_: {"snapshots": [ada]})
    with pytest.raises(UsageError, match=r"\./dev invoke backup\.list, with the same --to and"):
        restoring.plan_for(MagicMock(project="demo"), Place("/mnt/disk"), wanted)


def test_settings_that_were_set_are_lines_that_compose_reads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hub = {"platform": "demo", "kind": "hub", "complete": True, "id": "1", "run": "1", "time": "2"}
    answers = {
        "snapshots": {"snapshots": [hub]},
        "manifest": {"env": "", "variables": {"A": "i's"}},
    }
    monkeypatch.setattr(chosen, "read", lambda *_: MagicMock(project="demo"))
    monkeypatch.setattr(container, "ask", lambda _platform, _place, do, **_: answers[do])
    assert container.settings(Path(), Place("/x"), "") == r"A='i\'s'"


def test_what_cannot_be_backed_up_is_told_before_anything_begins(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No audit log is written, and nothing is said to have failed."""
    platform = MagicMock(backup_settings={})
    monkeypatch.setattr(chosen, "held", lambda _: nullcontext(platform))
    for place in (Place(), Place("./backups"), Place("/x", "/nowhere/key")):
        with pytest.raises(UsageError):
            container.backup(Path(), place, hub=False, people=[], new_repository=False)
        with pytest.raises(UsageError):
            container.verify(Path(), place, "")
    assert (capsys.readouterr().err, platform.once.called) == ("", False)


def test_no_name_of_a_server_hides_that_somebody_works_in_it(pretend: Any) -> None:
    server = {"Names": ["/jupyter-ada--backup-worker"], "Labels": {"io.jhub-docker.user": "ada"}}
    worker = {"Names": ["/demo-backup-worker"], "Labels": {restoring.WORKER: "worker"}}
    pretend(MagicMock()).api.containers.return_value = [server, worker]
    assert restoring.working_in([ADA]) == ["jupyter-ada--backup-worker"]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, no_engine: None) -> list[str]:
    """What the container is asked to do."""
    done: list[str] = []
    monkeypatch.setattr(container, "ask", lambda _platform, _place, do, **_: done.append(do))
    monkeypatch.setattr(containers, "of_service", lambda *_: [{"State": "running"}])
    return done


def test_a_hub_is_not_left_stopped_when_somebody_came_meanwhile(
    monkeypatch: pytest.MonkeyPatch, asked: list[str]
) -> None:
    platform = MagicMock(hubs=("hub", "standby"))
    monkeypatch.setattr(restoring, "working_in", lambda *_: ["jupyter-ada"])
    with pytest.raises(ActionError, match="started meanwhile"):
        restoring._volumes(platform, Place(), [HUB, ADA], {}, servers=False)
    assert [call.args for call in platform.checked.mock_calls] == [
        ("stop", "hub", "standby"),
        ("start", "hub", "standby"),
    ]
    assert asked == ["stage"]


def test_a_server_that_came_meanwhile_is_stopped_where_that_was_said(
    monkeypatch: pytest.MonkeyPatch, asked: list[str]
) -> None:
    there = [["jupyter-ada"], []]
    monkeypatch.setattr(restoring, "working_in", lambda *_: there.pop(0))
    restoring._volumes(MagicMock(), Place(), [ADA], {}, servers=True)
    assert asked == ["stage", "place", "finish"]


def test_what_was_there_comes_back_when_the_engine_refuses_the_hub(
    monkeypatch: pytest.MonkeyPatch, asked: list[str]
) -> None:
    starts: list[Any] = [OSError("the engine went"), None]

    def bring_up(*_: object) -> None:
        if problem := starts.pop(0):
            raise problem

    monkeypatch.setattr(starting, "bring_up", bring_up)
    monkeypatch.setattr(restoring, "working_in", lambda *_: [])
    platform = MagicMock(hub_environment={}, hubs=("hub",))
    with pytest.raises(ActionError, match="what was there is back: the engine went"):
        restoring._volumes(platform, Place(), [HUB], {}, servers=False)
    assert asked == ["stage", "place", "back"]


@pytest.mark.parametrize(("code", "done"), [(0, "finish"), (1, "back")])
def test_a_restored_hub_takes_its_records_into_postgres_before_it_starts(
    monkeypatch: pytest.MonkeyPatch, asked: list[str], code: int, done: str
) -> None:
    said = {"JHUB_DB_URL": "postgresql+psycopg://db/hub"}
    platform = MagicMock(hub_environment=said, hubs=("hub",))
    platform.once.return_value = Ended(code, b"", "the database cannot be used")
    monkeypatch.setattr(starting, "bring_up", lambda *_: asked.append("bring_up"))
    monkeypatch.setattr(restoring, "working_in", lambda *_: [])
    with suppress(ActionError) if code else nullcontext():
        restoring._volumes(platform, Place(), [HUB], {}, servers=False)
    assert platform.once.mock_calls[0].args == ("hub", "move", "postgres", "--replace")
    assert [one for one in asked if one != "bring_up"] == ["stage", "place", done]


def test_a_drill_is_another_platform_whatever_compose_was_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """COMPOSE_PROJECT_NAME in .env: the drill deletes what has the name that comes out of it."""
    monkeypatch.setattr(compose, "read", lambda _, variables: variables)
    said = drilling.beside(MagicMock(root=tmp_path, project="demo", variables={}))
    assert said["COMPOSE_PROJECT_NAME"] == said["JHUB_PLATFORM"] == drill_of("demo")


def test_nothing_is_asked_where_no_repository_is_named(pretend: Any) -> None:
    """The container that is asked has Compose make the volumes of a platform."""
    with pytest.raises(UsageError, match="no repository is named; expected a folder"):
        ASK(MagicMock(backup_settings={}), Place(), "list")


def test_a_drill_that_fails_says_why_and_is_remembered_so(monkeypatch: pytest.MonkeyPatch) -> None:
    remembered: dict[str, str] = {}

    def ask(_platform: object, _place: object, do: str, **request: str) -> None:
        assert do == "drilled"
        remembered.update(request)
        raise ActionError("another backup is at work")

    def tried(*_: object) -> None:
        raise UsageError("the repository has no backup of a platform")

    monkeypatch.setattr(drilling, "_tried", tried)
    monkeypatch.setattr(drilling, "beside", lambda _: nullcontext())
    monkeypatch.setattr(drilling, "stopping", MagicMock())
    monkeypatch.setattr(chosen, "held", MagicMock())
    monkeypatch.setattr(container, "ask", ask)
    with pytest.raises(UsageError, match="no backup of a platform"):
        drilling.drill(Path(), Place("/x"), "", "")
    assert remembered["wrong"] == "the repository has no backup of a platform"
