"""Published applications on JupyterHub's own objects and an engine in memory."""

import json
from datetime import timedelta
from typing import Any

import pytest
from jupyterhub import orm

from hub_config.jobs import app_rows, forms, rows
from hub_config.jobs.app_rows import AppRow
from hub_config.jobs.publisher import CAN_START, CAN_STOP, Publisher, State, Step, state, step
from hub_config.jobs.rows import JobRow
from hub_config.spawning import servers

from .hub_in_a_box import Box
from .test_runs import PROFILES, Handler, ended, look, notice
from .test_runs import RIGHT as JOB

CONTAINER = "jupyter-ann-published_2dsales"
SERVER = ("ann", "published-sales")


@pytest.fixture
def publisher() -> Publisher:
    return Publisher(3, "people")


@pytest.fixture
def app(box: Box) -> AppRow:
    """Ann's, for everybody who logs in."""
    app = AppRow(
        **{"user_id": box.person("ann").id, "name": "sales", "file": "sales.py"},
        **{"profile": "uv-lab-small", "audience": "people"},
        until=rows.now() + timedelta(days=1),
    )
    box.db.add(app)
    box.db.commit()
    return app


async def test_it_is_a_server_that_goes_on_over_a_restart(
    publisher: Publisher, box: Box, app: AppRow
) -> None:
    await look(publisher, box)
    command = box.person("ann").spawners[SERVER[1]].child_spawner.cmd
    assert json.loads(command[-1]) == {"app": "sales", "file": "sales.py", "public": False}
    there = box.engine.containers_[CONTAINER]["Id"]
    box.live()
    await box.take_over()
    await look(Publisher(3, "people"), box)
    assert box.servers() == {SERVER}
    assert box.engine.containers_[CONTAINER]["Id"] == there


async def test_one_that_ends_by_itself_is_started_again_later_each_time(
    publisher: Publisher, box: Box, app: AppRow
) -> None:
    for failures in (1, 2):
        await look(publisher, box)
        ended(box, 1, CONTAINER)
        await notice(box, SERVER[1])
        await look(publisher, box)
        assert not box.servers()
        assert app.failures == failures
        assert "exit code 1" in app.words
        assert app.retry is not None
        app.retry = rows.now()
    await look(publisher, box)
    assert box.servers() == {SERVER}


async def test_its_failures_are_over_when_it_has_run_for_long(
    publisher: Publisher, box: Box, app: AppRow
) -> None:
    app.failures, app.retry, app.words = 3, rows.now() - timedelta(minutes=9), "why"
    for _ in range(2):
        await look(publisher, box)
    assert app.failures == 3
    app.retry = rows.now() - timedelta(minutes=11)
    await look(publisher, box)
    assert (app.failures, app.words) == (0, "")


async def test_one_whose_hub_was_killed_at_its_start_can_be_stopped_for_good(
    publisher: Publisher, box: Box, app: AppRow
) -> None:
    await look(publisher, box)
    app.up = False
    await look(publisher, box)
    await box.person("ann").stop(SERVER[1])
    for _ in range(2):
        await look(publisher, box)
    assert not box.servers()


async def test_one_that_somebody_stops_stays_so(
    publisher: Publisher, box: Box, app: AppRow
) -> None:
    await look(publisher, box)
    await box.person("ann").stop(SERVER[1])
    for _ in range(2):
        await look(publisher, box)
    assert not box.servers()
    assert app.paused


async def test_it_ends_at_its_end_and_when_the_operator_permits_less(
    publisher: Publisher, box: Box, app: AppRow
) -> None:
    await look(publisher, box)
    await look(Publisher(3, "group"), box)
    assert not box.servers()
    await look(publisher, box)
    assert box.servers() == {SERVER}
    app.until = rows.now()
    await look(publisher, box)
    assert not box.servers()
    assert not app.paused


async def test_it_ends_when_its_person_is_disabled(
    publisher: Publisher, box: Box, app: AppRow
) -> None:
    async def disabled(_: Any) -> bool:
        return False

    await look(publisher, box)
    await look(publisher, box, accounts=None, refresh_user=disabled)
    assert not box.servers()


async def test_a_profile_that_is_gone_is_said(publisher: Publisher, box: Box, app: AppRow) -> None:
    app.profile = "nosuch-small"
    await look(publisher, box)
    assert "There is no such profile" in app.words
    assert not box.servers()


async def test_deleting_it_lets_nobody_in_any_more(
    publisher: Publisher, box: Box, app: AppRow
) -> None:
    await look(publisher, box)
    ann, bob, handler = box.person("ann"), box.person("bob"), Handler(box)
    publisher.let_in(handler, app, ann, bob)
    publisher.let_in(handler, app, ann, bob)
    assert box.db.query(orm.Share).count() == 1
    await publisher.remove(handler, app, ann)
    assert box.db.query(orm.Share).count() == 0
    assert not box.servers()
    assert AppRow.all(box.db) == []


def test_those_of_somebody_who_was_deleted_are_gone(box: Box, app: AppRow) -> None:
    servers.keep_home(box.person("ann"))
    assert AppRow.all(box.db) == []


def test_whoever_gets_the_id_of_somebody_goes_on_with_nothing_of_theirs(
    box: Box, app: AppRow
) -> None:
    """Their servers may all have been renamed, so that nothing of the platform's is asked."""
    record, number = box.person("ann").orm_user, app.user_id
    job = forms.job(forms.Form({**JOB, "zone": "UTC"}), number)
    box.db.add(job)
    box.db.commit()
    rows.begin(box.db, job)
    box.db.expunge_all()
    box.db.delete(box.db.merge(record))
    box.db.commit()
    assert AppRow.of_person(box.db, number) == JobRow.of_person(box.db, number) == []
    assert rows.under_way(box.db) == {}


@pytest.mark.parametrize(
    ("audience", "those"),
    [
        ("oneself", {"owner"}),
        ("group:team", {"owner", "member"}),
        ("people", {"owner", "member", "other"}),
        ("public", {"owner", "member", "other", "stranger"}),
    ],
)
def test_who_may_open_it(audience: str, those: set[str]) -> None:
    app = AppRow(user_id=1, audience=audience)
    visitors: dict[str, tuple[int | None, set[str]]] = {
        **{"owner": (1, set()), "member": (2, {"team"}), "other": (3, {"teams", ""})},
        "stranger": (None, set()),
    }
    assert {who for who, what in visitors.items() if app_rows.may_open(app, *what)} == those


def test_what_the_operator_permits() -> None:
    audiences = ("oneself", "group:a", "people", "public")
    permitted = [one for one in audiences if app_rows.permitted(one, "group")]
    assert permitted == ["oneself", "group:a"]


RIGHT = {
    **{"name": "sales", "file": "sales.py", "profile": "uv-marimo-small"},
    **{"audience": "oneself", "days": "30"},
}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "A"),
        ("file", "/etc/passwd"),
        ("profile", "q"),
        ("audience", "public"),
        *(("days", wrong) for wrong in ("0", "366", "-1", "x", "²", "9" * 5000)),
    ],
)
def test_what_is_typed_is_judged(field: str, value: str) -> None:
    values = forms.typed({**RIGHT, field: value}, forms.APP_FIELDS)
    assert set(forms.judged_app(values, ["oneself"], PROFILES, []).wrong) == {field}


def test_what_is_right_becomes_an_application() -> None:
    form = forms.judged_app(forms.typed(RIGHT, forms.APP_FIELDS), ["oneself"], PROFILES, [])
    assert not form.wrong
    assert forms.app(form, 1).until > rows.now() + timedelta(days=29)


@pytest.mark.parametrize(
    ("wanted", "let_be", "up", "active", "ready", "expected"),
    [
        (True, False, False, False, False, Step.START),
        (True, True, False, False, False, Step.NOTHING),
        (True, False, True, True, True, Step.NOTHING),
        (True, False, False, True, False, Step.NOTHING),
        (False, False, True, True, True, Step.END),
        (True, False, True, False, False, Step.STOPPED),
        (False, False, False, False, False, Step.NOTHING),
    ],
)
def test_what_is_done(
    wanted: bool, let_be: bool, up: bool, active: bool, ready: bool, expected: Step
) -> None:
    now = {"wanted": wanted, "let_be": let_be, "up": up, "active": active, "ready": ready}
    assert step(**now) is expected


@pytest.mark.parametrize(
    ("now", "expected", "offered"),
    [
        ({"ready": True}, State.RUNNING, ["stop"]),
        ({}, State.STARTING, ["stop"]),
        ({"pending": "spawn"}, State.STARTING, ["stop"]),
        ({"pending": "spawn", "failed": True}, State.STARTING, ["stop"]),
        ({"failed": True}, State.AGAIN, ["stop", "start"]),
        ({"paused": True}, State.STOPPED, ["start"]),
        ({"paused": True, "ready": True}, State.STOPPING, []),
        ({"pending": "stop", "ready": True}, State.STOPPING, []),
        ({"over": True, "ready": True}, State.STOPPING, []),
        ({"over": True, "paused": True}, State.OVER, []),
    ],
)
def test_what_its_person_sees_and_can_do(
    now: dict[str, Any], expected: State, offered: list[str]
) -> None:
    quiet = {"over": False, "paused": False, "failed": False, "pending": None, "ready": False}
    found = state(**{**quiet, **now})
    assert found is expected
    buttons = [("stop", CAN_STOP), ("start", CAN_START)]
    assert [name for name, states in buttons if found in states] == offered
