"""Folders that groups have without an operator's file: whose, called what, kept how long."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from jupyterhub import orm
from sqlalchemy import delete
from sqlalchemy.orm import Session

from hub_config import names
from hub_config.folders import everybodys, granted
from hub_config.groups import GroupRules, Mode
from hub_config.lifetimes.folders import FolderRow
from hub_config.reconcile.differences import Kind, Known, Remedy, differences
from hub_config.reconcile.state import known_volumes
from hub_config.runtime.interface import View, Volume
from hub_config.settings import Settings
from hub_config.spawning.folders import Folders, theirs

from .fake_engine import PLATFORM, FakeEngine, fake_runtime

PREFIX = "jupyterhub-shared-"
ON = Settings()


def group(db: Session, name: str, **properties: Any) -> orm.Group:
    made = orm.Group(name=name, properties=properties)
    db.add(made)
    db.commit()
    return made


def has(db: Session, operator: Settings, *members_of: orm.Group) -> dict[str, Mode]:
    return {one.name: one.mode for one in theirs(db, members_of, operator, PREFIX)}


def test_a_group_that_an_admin_makes_has_a_folder(db: Session) -> None:
    assert has(db, ON, group(db, "sales"), group(db, "Qualität & Co")) == {
        "sales": "read-write",
        "Qualität %26 Co": "read-write",
    }
    assert has(db, Settings(group_folders=False), group(db, "b")) == {}
    assert has(db, ON, group(db, "ä" * 200)) == {}, "the engine takes no such name"
    assert has(db, ON, group(db, "")) == {}, "it would be mounted in place of all"


def test_a_groups_properties_say_what_its_members_may(db: Session) -> None:
    sales = group(db, "sales", folder="read-only")
    editors = group(db, "editors", folder="none", writes="sales, everybody, no such group")
    hidden = group(db, "hidden", folder="nonsense", reads=["archive"])
    group(db, "archive")
    assert has(db, ON, sales) == {"sales": "read-only"}
    assert has(db, ON, sales, editors) == {"sales": "read-write"}
    assert has(db, ON, hidden) == {"archive": "read-only"}
    read = Settings(everybody_folder="read-only")
    assert has(db, read) == {"everybody": "read-only"}
    assert has(db, read, editors) == {"everybody": "read-write", "sales": "read-write"}
    assert has(db, read, group(db, "everybody")) == {"everybody": "read-only"}
    assert everybodys("read-write", granted({}, own=True)) == "read-write"


def test_the_operators_file_has_the_last_word_on_what_it_names(db: Session) -> None:
    rules = {"team": GroupRules(folders={"data": "read-only", "everybody": "read-only"})}
    operator = Settings(groups=rules, everybody_folder="read-write")
    assert has(db, operator, group(db, "data")) == {}
    assert has(db, operator, group(db, "team")) == {
        "data": "read-only",
        "everybody": "read-only",
        "team": "read-write",
    }


@pytest.mark.parametrize(
    "name",
    ["team", "a_b", "Sales Team", ".hidden", " x ", "..", "a/b:c", "%2e", "Qualität", "日本"],
)
def test_the_filter_knows_a_groups_folder_by_its_volume(name: str) -> None:
    volume, shown = names.group_volume(PREFIX, name, 3), names.group_folder(name)
    assert names.folder_of(PREFIX, volume) == shown
    assert not set("/:\0") & set(shown)
    assert shown[0] not in ". "
    assert names.generation_of(volume) == 3


@pytest.mark.parametrize(
    "rest", ["", ".1", "team.0", "Team.1", "te-am.1", "_zz.1", "_c3.1", "_61.1"]
)
def test_what_is_no_groups_volume_is_none(rest: str) -> None:
    assert names.folder_of(PREFIX, PREFIX + rest) is None


def test_the_folder_of_a_group_that_is_deleted_is_put_aside_and_its_successor_has_another(
    db: Session,
) -> None:
    first = group(db, "sales")
    has(db, ON, first)
    number = first.id
    db.delete(first)
    db.commit()
    second = group(db, "sales")
    assert second.id == number, "SQLite gives the number again"
    has(db, ON, second)
    (aside,) = FolderRow.aside(db)
    assert (aside.volume, aside.person) == (f"{PREFIX}sales.1", "sales")
    assert FolderRow.in_use(db, second.id).volume == f"{PREFIX}sales.2"
    later = datetime.now(UTC) + timedelta(days=31)
    assert FolderRow.due(db, timedelta(days=30)) == []
    assert FolderRow.due(db, timedelta(days=30), later) == [aside]
    aside.hand_to(db, second)
    assert FolderRow.in_use(db, second.id).volume == f"{PREFIX}sales.1"
    assert [one.volume for one in FolderRow.aside(db)] == [f"{PREFIX}sales.2"]


def test_reconciling_tells_of_folders_that_are_nobodys_gone_or_strange(db: Session) -> None:
    sales, gone = group(db, "sales"), group(db, "gone")
    has(db, ON, sales, gone)
    for one in FolderRow.all(db):
        one.is_made(db)
    db.execute(delete(orm.Group).where(orm.Group.name == "sales"))  # not as JupyterHub does it
    strange = Volume(f"{PREFIX}x.1", user="x", token="another's")
    mine = Volume(f"{PREFIX}sales.1", user="sales", token=FolderRow.all(db)[1].token)
    operators = Volume(f"{PREFIX}data", user="data")
    found = differences(
        View(folders=(strange, mine, operators)), Known("d", folders=known_volumes(db, FolderRow))
    )
    assert {(one.remedy, one.kind, one.name) for one in found} == {
        (Remedy.REPORT, Kind.FOLDER, f"{PREFIX}x.1"),
        (Remedy.REPORT, Kind.FOLDER, f"{PREFIX}gone.1"),
        (Remedy.ADOPT, Kind.FOLDER, f"{PREFIX}sales.1"),
    }
    FolderRow.put_aside_of_nobody(db)
    assert [one.person for one in FolderRow.aside(db)] == ["sales"]
    FolderRow.assign(db, strange, gone)
    assert FolderRow.in_use(db, gone.id).volume == strange.name


async def test_a_volume_of_another_database_is_nobodys(db: Session) -> None:
    engine = FakeEngine()
    engine.create_volume(f"{PREFIX}sales.1", labels={names.HOME: "a word", names.FOLDER: "sales"})
    runtime = fake_runtime(engine)
    spawner = SimpleNamespace(
        enforced=SimpleNamespace(shared_volume_prefix=PREFIX, platform=PLATFORM),
        operator=ON,
        user=SimpleNamespace(db=db, groups=[group(db, "sales", folder="read-only")]),
        runtime=runtime,
        object_name="jupyter-ann",
        volumes={},
        read_only_volumes={},
        docker=lambda method, *args, **named: runtime.call(
            "jupyter-ann", getattr(engine, method), *args, **named
        ),
    )
    making = Folders(spawner)

    async def taken_over(_volume: str) -> None:
        """Owner and mode are the engine's business."""

    making._take_over_mode = taken_over  # type: ignore[method-assign]
    for _ in range(2):
        await making.mount()
        assert spawner.read_only_volumes == {f"{PREFIX}sales.2": "/srv/shared/sales"}
    (row,) = FolderRow.all(db)
    assert engine.volumes_[row.volume]["Labels"] == {
        names.PLATFORM: PLATFORM,
        names.FOLDER: "sales",
        names.HOME: row.token,
    }
