"""Scheduled runs on JupyterHub's own objects and an engine in memory: when one starts, what becomes
of it, and that it is there once, whatever happens meanwhile.
"""

import asyncio
import json
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hub_config import languages, upstream
from hub_config.jobs import clock, forms, pages, program, rows, run_pages, telling
from hub_config.jobs.decisions import Act, Outcome, act, outcome
from hub_config.jobs.rows import JobRow, RunRow
from hub_config.jobs.rules import told_by
from hub_config.jobs.runner import Runner
from hub_config.lifetimes import times
from hub_config.offer import counter
from hub_config.offer.profiles import Profile
from hub_config.settings import Settings
from hub_config.spawning import servers
from hub_config.told import Refusal

from .fake_engine import FakeEngine
from .hub_in_a_box import PATIENCE, Box, Moment

CONTAINER = "jupyter-ann-scheduled_2dnightly"
SERVER = ("ann", "scheduled-nightly")


class Handler:
    """A request's handler: what `Runner` needs of JupyterHub's."""

    def __init__(self, box: Box) -> None:
        self.box, self.db = box, box.db
        self.authenticator: Any = SimpleNamespace()

    def find_user(self, name: str) -> Any:
        return self.box.hub.users.get(name)

    async def spawn_single_user(self, user: Any, name: str, options: Any) -> None:
        await self.box.start(user, name, options)

    async def stop_single_user(self, user: Any, name: str) -> None:
        starting = upstream.spawn_future(user.spawners[name])
        if starting is not None and not starting.done():
            await asyncio.wait([starting])
        await user.stop(name)


@pytest.fixture
def runner() -> Runner:
    return Runner(Settings(run_time_limit=3600, webhooks="http://hook/"))


@pytest.fixture
def job(box: Box) -> JobRow:
    """Ann's notebook, due since a minute ago."""
    job = JobRow(
        **{"user_id": box.person("ann").id, "name": "nightly", "file": "n.ipynb"},
        **{"profile": "uv-lab-small", "cron": "@daily", "zone": "UTC", "tell": "http://hook/a"},
        following=rows.now() - timedelta(minutes=1),
    )
    box.db.add(job)
    box.db.commit()
    return job


async def all_done(runner: Any) -> None:
    """Return when nothing is being done any more."""
    while doing := runner.tasks._at:
        await asyncio.wait(doing.values())


async def look(runner: Any, box: Box, **authenticator: Any) -> None:
    """One look, and what it begins."""
    handler = Handler(box)
    handler.authenticator = SimpleNamespace(**authenticator)
    await runner.look(handler)
    await all_done(runner)


def ended(box: Box, code: int, container: str = CONTAINER) -> None:
    box.engine.containers_[container]["State"] = {
        "Status": "exited", "Running": False, "ExitCode": code,
    }  # fmt: skip


async def notice(box: Box, server: str = SERVER[1]) -> None:
    """JupyterHub asks, and forgets a server that has ended."""
    ann = box.person("ann")
    if await ann.spawners[server].poll() is not None:
        await ann.stop(server)


def only_run(box: Box, job: JobRow) -> RunRow:
    (run,) = rows.runs(box.db, job.id)
    return run


async def test_a_run_that_is_due_is_a_server_that_runs_our_program(
    runner: Runner, box: Box, job: JobRow
) -> None:
    await look(runner, box)
    await look(runner, box)
    assert box.servers() == {SERVER}
    command = box.person("ann").spawners[SERVER[1]].child_spawner.cmd
    assert json.loads(command[-1]) == {
        **{"name": "nightly", "file": "n.ipynb", "stamp": only_run(box, job).stamp}
    }
    assert job.following > rows.now()
    box.assert_agreed()


@pytest.mark.parametrize(("code", "became"), [(0, Outcome.OK), (3, Outcome.FAILED)])
async def test_it_ends_with_its_exit_code(
    runner: Runner, box: Box, job: JobRow, code: int, became: Outcome, sent: list[Any]
) -> None:
    await look(runner, box)
    ended(box, code)
    await notice(box)
    await look(runner, box)
    await look(runner, box)
    run = only_run(box, job)
    assert (run.outcome, run.exit_code, run.ended is not None) == (became, code, True)
    assert [news.exit_code for news, _ in sent] == ([3] if code else [])
    assert not box.servers()


async def test_what_it_wrote_last_is_nothing_the_database_refuses(
    runner: Runner, box: Box, job: JobRow, monkeypatch: pytest.MonkeyPatch, sent: list[Any]
) -> None:
    """PostgreSQL takes no NUL: the hub's session would fail until somebody rolls it back."""
    lines = b"x" * 10**6 + b"\0the end\xff\n"
    monkeypatch.setattr(FakeEngine, "logs", lambda *_, tail: lines)
    await look(runner, box)
    ended(box, 1)
    await notice(box)
    said = only_run(box, job).words
    assert said.endswith("\ufffdthe end\ufffd")
    assert "\0" not in str(box.person("ann").spawners[SERVER[1]].last_end)
    assert len(str(box.person("ann").spawners[SERVER[1]].last_end)) < 2**15


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Messages are kept instead of sent."""
    kept: list[Any] = []

    async def keep(news: Any, to: str, _: Settings) -> None:
        kept.append((news, to))

    monkeypatch.setattr(telling, "tell", keep)
    return kept


async def test_a_hub_that_is_killed_takes_a_run_over(runner: Runner, box: Box, job: JobRow) -> None:
    await look(runner, box)
    container = box.engine.containers_[CONTAINER]["Id"]
    box.live()
    await box.take_over()
    await look(Runner(Settings()), box)
    assert box.servers() == {SERVER}
    assert box.engine.containers_[CONTAINER]["Id"] == container
    assert not only_run(box, job).outcome


async def test_a_run_that_ended_while_there_was_no_hub_is_told(
    runner: Runner, box: Box, job: JobRow, sent: list[Any]
) -> None:
    await look(runner, box)
    ended(box, 1)
    box.live()
    await box.take_over()
    for _ in range(2):
        await look(Runner(Settings()), box)
    assert only_run(box, job).outcome == Outcome.FAILED
    assert len(sent) == 1


async def test_a_hub_that_is_killed_before_there_was_a_container_starts_it_once(
    runner: Runner, box: Box, job: JobRow
) -> None:
    job.due = rows.now()
    rows.begin(box.db, job)
    box.live()
    await box.take_over()
    for _ in range(3):
        await look(Runner(Settings()), box)
    assert box.servers() == {SERVER}
    assert not only_run(box, job).outcome


async def test_what_was_missed_comes_once(runner: Runner, box: Box, job: JobRow) -> None:
    job.following = rows.now() - timedelta(days=9)
    await look(runner, box)
    ended(box, 0)
    await notice(box)
    for _ in range(3):
        await look(runner, box)
    assert only_run(box, job).outcome == Outcome.OK
    assert not box.servers()


async def test_nothing_runs_of_somebody_who_may_not_log_in(
    runner: Runner, box: Box, job: JobRow
) -> None:
    async def disabled(_: Any) -> bool:
        return False

    await look(runner, box, accounts=None, refresh_user=disabled)
    assert not box.servers()
    await look(runner, box)
    assert not box.servers(), "what was due meanwhile is not made up for"


async def test_a_run_of_somebody_who_was_disabled_is_ended(
    runner: Runner, box: Box, job: JobRow
) -> None:
    async def disabled(_: Any) -> bool:
        return False

    await look(runner, box)
    await look(runner, box, accounts=None, refresh_user=disabled)
    assert not box.servers()
    assert only_run(box, job).outcome == Outcome.STOPPED


async def test_the_jobs_of_somebody_who_was_deleted_are_gone(box: Box, job: JobRow) -> None:
    ann = box.person("ann")
    servers.keep_home(ann)
    assert JobRow.all(box.db) == []


async def test_without_room_it_waits(
    runner: Runner, box: Box, job: JobRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = box.person("ann").spawner.counter
    box.db.commit()
    room = served.operator
    monkeypatch.setattr(served, "operator", type(room)(memory_reserve_gb=10**9))
    await look(runner, box)
    assert not box.servers()
    assert "memory" in job.note
    monkeypatch.setattr(served, "operator", room)
    await look(runner, box)
    assert box.servers() == {SERVER}
    assert not job.note


async def test_a_profile_that_is_gone_is_a_failure_that_is_told(
    runner: Runner, box: Box, job: JobRow, sent: list[Any]
) -> None:
    job.profile = "nosuch-small"
    await look(runner, box)
    await look(runner, box)
    assert only_run(box, job).outcome == Outcome.REFUSED
    assert "There is no such profile" in sent[0][0].words
    assert not box.servers()


async def test_it_is_stopped_when_it_takes_too_long(
    runner: Runner, box: Box, job: JobRow, sent: list[Any]
) -> None:
    await look(runner, box)
    only_run(box, job).started = rows.now() - timedelta(hours=2)
    await look(runner, box)
    await look(runner, box)
    assert only_run(box, job).outcome == Outcome.TOO_LONG
    assert not box.servers()
    assert len(sent) == 1


@pytest.mark.parametrize("number", [0, 3, 6])
async def test_one_that_is_just_being_started_can_be_stopped_and_deleted(
    runner: Runner, box: Box, job: JobRow, number: int
) -> None:
    moment = Moment(box.engine, number)
    box.engine.at = moment.hang
    handler = Handler(box)
    await runner.look(handler)
    await asyncio.to_thread(moment.reached.wait, PATIENCE)
    removing = asyncio.ensure_future(runner.remove(handler, job))
    moment.go_on.set()
    await asyncio.wait_for(removing, PATIENCE)
    await all_done(runner)
    await box.reconcile()
    assert JobRow.all(box.db) == []
    assert not box.servers()
    assert not box.in_engine()


async def test_a_person_cannot_start_such_a_server(box: Box) -> None:
    with pytest.raises(Refusal, match="when they are due"):
        await box.start(box.person("ann"), SERVER[1])


async def test_idleness_ends_no_run_and_its_profile_is_not_the_persons_last(
    runner: Runner, box: Box, job: JobRow
) -> None:
    await look(runner, box)
    ann = box.person("ann")
    assert list(times.running(box.db, [ann])) == []
    assert counter.profiles_used(ann.orm_spawners) == ()


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("allowed", Act.NOTHING),
        ("allowed due", Act.START),
        ("due", Act.NOTHING),
        ("allowed active due", Act.NOTHING),
        ("allowed going_on active ready due", Act.NOTHING),
        ("allowed going_on active ready too_long", Act.END),
        ("going_on active ready", Act.END),
        ("allowed going_on active too_long", Act.NOTHING),
        ("allowed going_on due", Act.CLOSE),
        ("allowed active ready", Act.END),
    ],
)
def test_what_is_done(now: str, expected: Act) -> None:
    known = ("going_on", "active", "ready", "due", "allowed", "too_long")
    assert act(**{one: one in now.split() for one in known}) is expected


def test_what_becomes_of_a_run() -> None:
    assert outcome(None, begun=False) is None
    assert outcome(None, begun=True) is Outcome.STOPPED


@pytest.mark.parametrize(
    ("cron", "zone", "after", "expected"),
    [
        ("30 2 * * *", "UTC", "2026-11-30T03:00", "2026-12-01T02:30"),
        ("30 2 * * *", "Europe/Berlin", "2026-11-30T03:00", "2026-12-01T01:30"),
        # Clocks go from 2:00 to 3:00, and later from 3:00 back to 2:00.
        ("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00", "2026-03-29T01:00"),
        ("30 2 * * *", "Europe/Berlin", "2026-10-25T00:31", "2026-10-26T01:30"),
        ("@daily", "Asia/Tokyo", "2026-11-30T03:00", "2026-11-30T15:00"),
    ],
)
def test_when_it_is_due(cron: str, zone: str, after: str, expected: str) -> None:
    found = clock.following(cron, zone, datetime.fromisoformat(after))
    assert found == datetime.fromisoformat(expected)


RIGHT = {
    **{"name": "nightly", "file": "~/work/n.ipynb", "profile": "uv-lab-small"},
    **{"cron": "@daily", "zone": "", "tell": ""},
}


def profile(image: str, page: str) -> Profile:
    return Profile(f"{image}-small", "small", image, image, "", 8888, page, 2**31)


LAB, MARIMO = profile("uv-lab", "/lab"), profile("uv-marimo", "/marimo")
PROFILES = [LAB, MARIMO, profile("uv-vscode", "/vscode/")]


def typed(field: str, value: str) -> dict[str, str]:
    return forms.typed({**RIGHT, field: value}, forms.FIELDS, zone="Europe/Berlin")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("name", wrong) for wrong in ("", "Nightly", "a--b", "a" * 21, "x-", "taken")),
        *(("file", wrong) for wrong in ("/etc/passwd.py", "../x.py", "notes.txt", "", "a\n.py")),
        *(("cron", wrong) for wrong in ("", "daily", "61 * * * *", "0 0 30 2 *", "* * * * * *")),
        *(("profile", wrong) for wrong in ("nosuch", "uv-marimo-small")),
        ("zone", "Mars/Olympus"),
        *(("tell", wrong) for wrong in ("http://hub:8081/", "nobody", "a@example.org")),
        ("tell", "http://hook.evil/"),
        *(("tell", f"http://hook/a/{path}") for path in ("../x", "%2e%2E/x", "b/../../x", "x\ny")),
        *(("tell", wrong) for wrong in ("http://[", "a@b.org,c@d.org", "A <a@b.org>")),
        ("file", "a" * 600 + ".py"),
    ],
)
def test_what_is_typed_is_judged(field: str, value: str) -> None:
    rules = Settings(webhooks="http://hook/a/")
    values = typed(field, value)
    assert set(forms.judged(values, rules, PROFILES, ["taken"]).wrong) == {field}


def test_what_is_right_becomes_a_job() -> None:
    rules = Settings(
        webhooks="http://hook/", mail_relay="smtp://relay", mail_from="hub@example.org"
    )
    for tell in ("", "a@example.org", "http://hook/x"):
        form = forms.judged(typed("tell", tell), rules, PROFILES, [])
        assert not form.wrong
    job = forms.job(form, 1)
    assert (job.file, job.zone) == ("work/n.ipynb", "Europe/Berlin")
    marimo = {**RIGHT, "file": "work/n.py", "profile": MARIMO.key}
    vscode = {**RIGHT, "profile": "uv-vscode-small"}
    for values in (marimo, vscode):
        asked = forms.typed(values, forms.FIELDS, zone="UTC")
        assert not forms.judged(asked, rules, PROFILES, []).wrong


def test_where_a_failure_can_be_told_is_said_as_the_operator_permits_it() -> None:
    found = [
        told_by(Settings(webhooks=webhooks, mail_relay=relay))
        for webhooks in ("", "http://hook/")
        for relay in ("", "smtp://relay")
    ]
    assert ["mail" in one for one in found] == [False, True, False, True]
    assert ["webhook" in one for one in found] == [False, False, True, True]


@pytest.mark.parametrize(
    ("cron", "english", "german"),
    [
        ("30 2 * * 1-5", "On working days at 02:30 (UTC)", "An Werktagen um 02:30 (UTC)"),
        ("@daily", "Every day at 00:00 (UTC)", "Täglich um 00:00 (UTC)"),
        ("5 7 * * 7", "Every Sunday at 07:05 (UTC)", "Jeden Sonntag um 07:05 (UTC)"),
        ("15 * * * *", "Every hour at minute 15 (UTC)", "Jede Stunde zur Minute 15 (UTC)"),
        ("0 0 1-7 * 1", "At 00:00 on every day of month", "0 0 1-7 * 1 (UTC)"),
    ],
)
def test_when_it_is_due_is_said_in_the_readers_language(
    cron: str, english: str, german: str
) -> None:
    assert clock.in_words(cron, "UTC").startswith(english[:20])
    before = languages.current.set("de")
    try:
        assert clock.in_words(cron, "UTC") == german
    finally:
        languages.current.reset(before)


async def test_forms_that_come_together_make_no_more_than_one_may_have(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, refused = box.person("ann"), []

    async def meanwhile(_: Any) -> list[Any]:
        box.db.add(forms.job(forms.Form(typed("name", "other")), user.id))
        box.db.commit()
        return [SimpleNamespace(profile=LAB)]

    async def page(form: forms.Form) -> None:
        refused.append(set(form.wrong))

    monkeypatch.setattr(pages, "choices", meanwhile)
    handler = SimpleNamespace(
        **{
            "db": box.db,
            "current_user": user,
            "looks": Runner(Settings(scheduled_runs=1)),
            "page": page,
        },
        **{"ROW": JobRow, "judged": lambda *given: run_pages.ListHandler.judged(handler, *given)},
        **{"typed": lambda: typed("name", "mine"), "set_status": lambda _: None},
        get_scope_filter=lambda _: lambda *_: False,
    )
    await run_pages.ListHandler.post.__wrapped__(handler)  # type: ignore[attr-defined]
    assert refused == [{"name"}]
    assert [job.name for job in JobRow.all(box.db)] == ["other"]


def test_a_file_that_is_none_or_nothing_can_run_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"There is no file .*gone\.ipynb"):
        program.command(tmp_path / "gone.ipynb", tmp_path)
    (tmp_path / "sales.py").write_text("import marimo\napp = marimo.App()\n")
    with pytest.raises(ValueError, match="This profile has no marimo"):
        program.command(tmp_path / "sales.py", tmp_path)
