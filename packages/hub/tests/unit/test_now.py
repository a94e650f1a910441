"""What the page Now and `invoke status` say: rows, their order, and who is near a limit."""

import asyncio
import json
import threading
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy.orm import Session
from traitlets.config import Config

from hub_config import disk, languages
from hub_config.lifetimes.ends import Limits
from hub_config.lifetimes.sizes import Sizes
from hub_config.monitoring import pages
from hub_config.monitoring.slow import Slow
from hub_config.monitoring.watch import Watch
from hub_config.now import asking, looking
from hub_config.now.looking import Looker
from hub_config.now.rows import COLUMNS, GB, MB, Platform, Server, duration, size, tell, usage_line
from hub_config.runtime import records
from hub_config.runtime.meter import Meter
from hub_config.settings import Settings

from .hub_in_a_box import PATIENCE, Box
from .test_pages import render

WELL = Platform(version="6.1.1", routes=3, people=4, disk_free=9 * GB, promisable=16 * GB)
ANN = Server("ann", profile="JupyterLab small", memory=1950 * MB, memory_limit=2 * GB, idle=130)
BOB = Server("bob", "two", "My second", memory=300 * MB, memory_limit=2 * GB, cpu=1.5, idle=7300)
CAT = Server("cat", state="starting")


def people(order: str, **how: Any) -> list[str]:
    return [row.of.person for row in tell([CAT, BOB, ANN], WELL, order, **how).rows]


def test_every_column_sorts_figures_the_largest_first_and_what_is_unknown_last() -> None:
    assert people("person") == ["ann", "bob", "cat"]
    assert people("memory") == ["ann", "bob", "cat"]
    assert people("memory", backwards=False) == ["bob", "ann", "cat"]
    assert people("cpu") == ["bob", "ann", "cat"]
    assert people("idle") == ["bob", "ann", "cat"]
    assert people("state", backwards=True) == ["cat", "ann", "bob"]
    for column in COLUMNS:
        assert sorted(people(column)) == ["ann", "bob", "cat"]
    with pytest.raises(ValueError, match="'colour' is no column; expected one of person, server"):
        people("colour")


def test_rows_are_in_words_and_figures_stay_for_programs() -> None:
    told = tell([BOB], WELL)
    assert dict(told.rows[0].cells) == {
        "person": "bob",
        "server": "My second",
        "profile": "",
        "state": "running",
        "cpu": "1.50",
        "memory": "300 MB of 2.0 GB (15%)",
        "home": "",
        "idle": "2 h 1 min",
        "address": "",
    }
    programs = json.loads(json.dumps(told.json()))
    assert programs["servers"][0]["memory"] == 300 * MB
    assert programs["servers"][0]["shown"]["idle"] == "2 h 1 min"
    assert programs["platform"]["people"] == 4
    assert ["People", "4, 1 with servers"] in programs["lines"]


@pytest.mark.parametrize(
    ("server", "near"),
    [
        (BOB, ""),
        (ANN, "ann: memory 1.9 GB of 2.0 GB (95%)"),
        (Server("ann", processes=4000, processes_limit=4096), "ann: 4000 of 4096 processes"),
        (
            Server("ann", "two", "Two", home=95 * 10**9, home_limit=10**11),
            "ann (Two): home 95.0 GB",
        ),
        (Server("ann", home=95 * GB), ""),
        (Server("ann", left=300, warned=600), "ann: is stopped in 5 min unless"),
        (Server("ann", left=700, warned=600), ""),
    ],
)
def test_who_is_near_a_limit_is_named_with_it(server: Server, near: str) -> None:
    told = tell([server], WELL).near
    assert [near in one for one in told] == ([True] if near else [])


@pytest.mark.parametrize(
    ("platform", "says"),
    [
        (WELL, ""),
        (Platform(routes=None), "The proxy does not answer"),
        (Platform(routes=1, away="connection refused"), "Engine does not answer: connection ref"),
        (Platform(routes=1, disk_free=disk.FULL - 1), "The disk of the data volume is full"),
        (Platform(routes=1, disk_free=10**9, disk_needed=2 * 10**9), "The disk has 1.0 GB left"),
        (Platform(routes=1, promised=15 * GB, promisable=16 * GB), "15.0 GB of 16.0 GB (94%) of"),
        (Platform(routes=1, queued=2), "In the queue for a start: 2 servers."),
        (Platform(routes=1, differences=1), "disagree about 1 thing:"),
    ],
)
def test_the_platform_says_what_it_is_near(platform: Platform, says: str) -> None:
    assert [says in one for one in tell([], platform).near] == ([True] if says else [])


def test_the_page_is_in_its_readers_language() -> None:
    told = tell([ANN, BOB, CAT], WELL)
    words = [word for line in told.lines for word in line]
    words += [*COLUMNS.values(), *(row.cells["state"] for row in told.rows)]
    before = languages.current.set("de")
    try:
        kept = {word for word in filter(None, words) if languages.said(word) == word}
        page = render("now.html", Settings(), told=told, columns=COLUMNS)
    finally:
        languages.current.reset(before)
    assert kept == {"Hub", "Proxy", "Person", "Server", "CPU"}
    assert "1,9 GB von 2,0 GB (95%)" in page
    assert "läuft" in page


def test_a_person_reads_what_the_own_server_takes() -> None:
    assert usage_line(BOB) == {
        "says": "memory 300 MB of 2.0 GB (15%), 1.50 CPUs busy",
        "near": False,
    }
    assert usage_line(ANN)["near"]
    assert usage_line(CAT) == {"says": "", "near": False}


def test_sizes_and_times_in_words() -> None:
    assert [size(n) for n in (0, 5 * MB, GB, 1.5 * GB)] == ["0 MB", "5 MB", "1.0 GB", "1.5 GB"]
    assert [duration(n) for n in (0, 59, 60, 3700, 90000)] == [
        "under a minute",
        "under a minute",
        "1 min",
        "1 h 1 min",
        "1 d 1 h",
    ]


STATS: dict[str, Any] = {
    "read": "2026-11-30T05:00:00.123456789Z",
    "memory_stats": {"usage": 300, "limit": 1000, "stats": {"inactive_file": 100}},
    "cpu_stats": {"cpu_usage": {"total_usage": 2_000_000_000}},
    "pids_stats": {"current": 12, "limit": 18446744073709551615},
}


def test_what_the_engine_says_of_a_container_is_read_for_both_kinds_of_control_groups() -> None:
    found = records.usage(STATS)
    assert found is not None
    assert (found.memory, found.processor, found.processes) == (200, 2.0, 12)
    assert found.processes_limit is None
    first = {"usage": 300, "stats": {"total_inactive_file": 50, "inactive_file": 40}}
    older = records.usage(STATS | {"memory_stats": first, "pids_stats": {"limit": 4096}})
    assert older is not None
    assert (older.memory, older.processes_limit) == (250, 4096)
    assert records.usage(STATS | {"memory_stats": {}}) is None


def box_with_a_server(
    config: Config, db: Session, patch: pytest.MonkeyPatch, folder: Path
) -> tuple[Box, Looker]:
    box = Box(config, db, patch, folder)
    ann = box.person("ann")
    asyncio.run(box.start(ann))
    # The two looks are one after the other, in no time.
    patch.setattr(looking, "APART", 0.0)
    return box, Looker(
        box.reconciler,
        lambda: ann.spawner.counter,
        Limits(),
        folder,
        Sizes(folder / "sizes", 0),
        Meter(lambda: box.runtime),
    )


def test_a_running_server_is_found_with_what_it_takes(
    applied: Config, db: Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    box, looker = box_with_a_server(applied, db, monkeypatch, tmp_path)

    async def routes() -> dict[str, Any]:
        return {"/": {}}

    box.hub.proxy.get_all_routes = routes

    async def look() -> tuple[list[Server], Platform]:
        servers = await looker.servers(box.hub, box.hub.users.values(), twice=True)
        return servers, await looker.platform(box.hub, 2)

    (server,), platform = asyncio.run(look())
    assert (server.person, server.state, server.memory) == ("ann", "running", 200 * MB)
    assert (server.cpu, server.memory_limit, server.processes) == (0.5, 2 * GB, 12)
    assert server.address == "10.213.0.4"
    assert (platform.people, platform.waiting, platform.routes) == (1, 2, 1)
    assert (platform.promised, platform.away) == (2 * GB, "")
    assert platform.hub_memory > 0
    page = render("now.html", Settings(), told=tell([server], platform), columns=COLUMNS)
    for words in ("200 MB of 2.0 GB (10%)", 'aria-sort="ascending"', "1, 1 with servers, 2 wait"):
        assert words in page


def test_an_engine_that_is_away_is_said_and_servers_are_listed(
    applied: Config, db: Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    box, looker = box_with_a_server(applied, db, monkeypatch, tmp_path)

    def away(_: str) -> None:
        raise requests.ConnectionError("connection refused")

    async def none() -> None:
        raise OSError

    box.engine.at = away
    box.hub.proxy.get_all_routes = none

    async def look() -> tuple[list[Server], Platform]:
        looker.counter()._facts._size = None  # the machine is asked for anew
        servers = await looker.servers(box.hub, box.hub.users.values(), twice=True)
        return servers, await looker.platform(box.hub, 0)

    (server,), platform = asyncio.run(look())
    assert (server.person, server.memory, server.cpu) == ("ann", None, None)
    assert (platform.routes, platform.away) == (None, "connection refused")


def test_of_an_engine_that_hangs_what_is_known_is_told(
    applied: Config, db: Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    box, looker = box_with_a_server(applied, db, monkeypatch, tmp_path)
    monkeypatch.setattr(looking, "PATIENCE", 0.01)
    monkeypatch.setattr(pages, "ENGINE_SECONDS", 0.01)
    go_on, counter = threading.Event(), looker.counter()
    box.engine.at = lambda _: assert_(go_on.wait(2 * PATIENCE))
    counter._facts._size = None  # the machine is asked for anew
    sources = pages.Sources(
        looker.counter,
        Watch(looker.meter),
        Slow(""),
        looker.sizes,
        tmp_path,
        tmp_path / "backup",
        "http://127.0.0.1:1",
    )

    async def look() -> None:
        box.hub.proxy.get_all_routes = looker.reconciler.runtime.view  # hangs as well
        for _ in range(5):
            (server,) = await looker.servers(box.hub, box.hub.users.values(), twice=True)
            platform = await looker.platform(box.hub, 0)
            assert (server.person, server.memory, platform.away) == ("ann", None, "no answer")
            facts = await sources.facts(db)
            assert (facts.host, len(list(facts.promises))) == (None, 1)
        # However often it is asked for: the calls have threads of everybody's starts and stops.
        assert max(box.engine.calls.count(name) for name in ("stats", "info")) <= 1
        go_on.set()

    box.engine.calls.clear()
    try:
        asyncio.run(look())
    finally:
        go_on.set()


def assert_(true: bool) -> None:
    assert true


def test_the_operators_key_is_new_at_each_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "KEY_FILE", tmp_path / "key")
    assert asking.key() == ""
    asking.make_key()
    first = asking.key()
    asking.make_key()
    assert len(first) == 64
    assert asking.key() != first
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600


def test_a_hub_that_does_not_answer_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("hub_config.health.URL_FILE", str(tmp_path / "url"))
    assert asking.print_now([]) == 1
    (tmp_path / "url").write_text("http://127.0.0.1:1/hub/health")
    assert asking.print_now(["memory"]) == 1
    assert capsys.readouterr().err.count("The hub does not answer") == 2
