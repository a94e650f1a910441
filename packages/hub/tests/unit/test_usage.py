"""What servers use: as the engine tells it, kept by month, and added up for people and groups."""

import asyncio
import json
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from jupyterhub import orm
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from hub_config import database
from hub_config.database import DATABASE_FILE
from hub_config.monitoring import usage
from hub_config.monitoring.watch import Watch
from hub_config.runtime.interface import Container, Usage
from hub_config.runtime.meter import Meter

from .fake_engine import FakeEngine, engine_says, fake_runtime

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
GB = 2**30


def stats(seconds: float) -> dict[str, object]:
    """The engine's answer about a container (Engine API, ContainerStats)."""
    return {
        "read": NOON.isoformat(),
        "cpu_stats": {"cpu_usage": {"total_usage": seconds * 1e9}},
        "memory_stats": {"usage": 900},
        "pids_stats": {"current": 3},
    }


def person(db: Session, name: str, *groups: str) -> orm.User:
    user = orm.User(name=name)
    db.add(user)
    for group in groups:
        found = orm.Group.find(db, group) or orm.Group(name=group)
        found.users.append(user)
        db.add(found)
    db.commit()
    return user


def container(user: str, number: str = "1", started: datetime = NOON) -> Container:
    return Container(
        number, f"c-{number}", user, "", "running", memory=2 * GB, started=started.isoformat()
    )


def note(db: Session, when: datetime, *seen: tuple[Container, float]) -> None:
    usage.note(db, [(one, Usage(0.0, GB, cpu, 1)) for one, cpu in seen], when)
    db.commit()


def test_hours_cpu_and_memory_add_up_for_people_and_groups(db: Session) -> None:
    person(db, "ada", "team", "readers")
    person(db, "bob", "team")
    ada, second, bob = container("ada"), container("ada", "2"), container("bob", "3")
    note(db, NOON + timedelta(hours=1), (ada, 600.0), (bob, 0.0), (container("nobody", "9"), 1.0))
    note(db, NOON + timedelta(hours=3), (ada, 3600.0), (second, 1800.0))
    told = usage.told(db, "2026-11")
    of_ada = {"name": "ada", "servers": 2, "hours": 6.0, "cpu_hours": 1.5, "gb_hours": 12.0}
    of_bob = {"name": "bob", "servers": 1, "hours": 1.0, "cpu_hours": 0.0, "gb_hours": 2.0}
    assert told["people"] == [of_ada, of_bob]
    of_team = {"name": "team", "servers": 3, "hours": 7.0, "cpu_hours": 1.5, "gb_hours": 14.0}
    assert told["groups"] == [of_ada | {"name": "readers"}, of_team]


def test_a_server_that_runs_on_is_split_at_the_end_of_the_month(db: Session) -> None:
    person(db, "ada")
    ada = container("ada", started=NOON + timedelta(hours=6))
    note(db, NOON + timedelta(hours=11), (ada, 3600.0))
    note(db, NOON + timedelta(hours=13), (ada, 5400.0))
    (november,) = usage.people(db, "2026-11")
    (december,) = usage.people(db, "2026-12")
    assert (november.hours, november.cpu_hours) == (5.0, 1.0)
    assert (december.hours, december.cpu_hours) == (2.0, 0.5)


def test_of_the_months_before_the_first_look_nothing_is_made_up(db: Session) -> None:
    person(db, "ada")
    note(db, NOON, (container("ada", started=NOON - timedelta(days=90)), 0.0))
    (total,) = usage.people(db, "2026-11")
    assert total.hours == 29 * 24 + 12


def test_a_renamed_person_is_one_and_who_got_the_id_of_a_deleted_one_is_another(
    db: Session,
) -> None:
    ada = person(db, "ada")
    note(db, NOON, (container("ada"), 0.0))
    ada.name = "augusta"
    db.commit()
    note(db, NOON + timedelta(hours=1), (container("augusta", "2"), 0.0))
    assert [total.name for total in usage.people(db, "2026-11")] == ["augusta"]
    number = ada.id
    db.delete(ada)
    db.commit()
    db.add(orm.User(id=number, name="bob", created=datetime(2026, 11, 30, 14)))
    db.commit()
    note(db, NOON + timedelta(hours=2), (container("bob", "3"), 0.0))
    names = [total.name for total in usage.people(db, "2026-11")]
    assert names == ["augusta", "bob"]


def test_rows_nobody_asks_for_any_more_are_removed(db: Session) -> None:
    person(db, "ada")
    for number, month in enumerate(("2024-10", "2024-11")):
        when = datetime.fromisoformat(f"{month}-05T00:00:00+00:00")
        note(db, when, (container("ada", str(number), when), 0.0))
    usage.forget_old(db, NOON)
    assert usage.people(db, "2024-10") == []
    assert len(usage.people(db, "2024-11")) == 1


class Measurable(FakeEngine):
    """An engine that has figures, too."""

    seconds = 60.0

    def stats(self, key: str, *_: object) -> dict[str, object]:
        self._find(key)
        return stats(self.seconds)


def running(engine: FakeEngine, user: str) -> None:
    """A server of somebody, started outside of the hub."""
    labels = {"io.jhub-docker.platform": "jhub-docker", "io.jhub-docker.user": user}
    record = engine._add(f"jupyter-{user}", labels, {"Memory": GB, "CpuShares": 1024}, "running")
    record["State"]["StartedAt"] = NOON.isoformat()


def test_a_server_is_measured_at_each_pass_and_once_more_before_it_ends(db: Session) -> None:
    person(db, "ada")
    engine, clock = Measurable(), 0.0
    running(engine, "ada")

    async def go() -> None:
        nonlocal clock
        runtime = fake_runtime(engine)
        watch = Watch(Meter(lambda: runtime, lambda: clock))
        began = watch.at
        await watch.run(db)
        assert (watch.latest, watch.at) == ([], began), "nobody has said yet what runs"
        await runtime.view()
        await watch.look(SimpleNamespace(db=db))
        assert watch._task is not None
        await watch._task
        ((found, used),) = watch.latest
        assert (found.user, used.processor) == ("ada", 60.0)
        assert [total.name for total in watch.month] == ["ada"]
        engine.seconds = 90.0
        await runtime.end(found)
        running(engine, "ada")
        await runtime.view()
        known, measured = watch.latest, watch.at
        engine.at, clock = engine_fails, 60.0
        await watch.run(db)
        assert (watch.latest, watch.at) == (known, measured), "nothing was measured then"

    def engine_fails(name: str) -> None:
        if name == "stats":
            raise engine_says(500)

    asyncio.run(go())
    (row,) = db.query(usage.UsageRow)
    assert row.cpu == 90.0
    assert engine.calls.count("stats") == 3


def test_a_month_is_printed_as_json_and_a_wrong_one_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert usage.usage_command(tmp_path / DATABASE_FILE, []) == 4
    sqlite3.connect(tmp_path / DATABASE_FILE).close()
    assert usage.usage_command(tmp_path / DATABASE_FILE, []) == 4
    with Session(create_engine(f"sqlite:///{tmp_path / DATABASE_FILE}")) as db:
        orm.Base.metadata.create_all(db.get_bind())
        database.prepare(db)
        person(db, "ada")
        note(db, NOON + timedelta(hours=1), (container("ada"), 36.0))
    capsys.readouterr()
    assert usage.usage_command(tmp_path / DATABASE_FILE, ["2026-11"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["people"] == [
        {"name": "ada", "servers": 1, "hours": 1.0, "cpu_hours": 0.01, "gb_hours": 2.0}
    ]
    assert usage.usage_command(tmp_path / DATABASE_FILE, ["2026-13"]) == 2
    assert "'2026-13' is no month" in capsys.readouterr().err
