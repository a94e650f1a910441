"""Metrics, and what Prometheus and Grafana are given to read."""

import asyncio
import errno
import json
import logging
import os
import re
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from hub_config import counted
from hub_config.first_start import Places, make_secrets, read_secret
from hub_config.monitoring import alerts, dashboards, figures, pages, panels, written
from hub_config.monitoring.figures import Facts
from hub_config.monitoring.slow import EVERY, SOON, Slow
from hub_config.monitoring.usage import Total
from hub_config.offer.room import Host, Promise
from hub_config.runtime.interface import Container, Usage
from hub_config.told import Stage, Stages

DOCS = Path(__file__).parents[4] / "docs" / "monitoring.md"

ADA = Container("1", "c", "ada", "", "running", memory=100, starved=True)

ALL = Facts(
    servers=[(ADA, Usage(0.0, 50, 1.5, 7))],
    at=1000.0,
    month=[Total("ada", 1, 2.0, 0.5, 4.0)],
    promises=[Promise(100, 0.5), Promise(200, 1.0)],
    room=1000,
    starts=(1, 2, 4),
    host=Host(2000, 800, 2, 5),
    cpu={"busy": 3.0, "idle": 9.0},
    disk=os.statvfs_result((4096, 4096, 100, 50, 40, 10, 5, 5, 0, 255)),
    homes={("ada", "home-ada"): 12},
    backup={"backup": {"succeeded": "2026-11-30T12:00:00+00:00", "failed": True}, "drill": {}},
    certificate=5000.0,
)

SUFFIXES = {"counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"]}
"""What the names of a kind end with; others are as they are."""


def told(facts: Facts) -> dict[str, float]:
    """The metrics by name and labels."""
    lines = figures.exposition(facts).decode().splitlines()
    pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in pairs}


def test_all_that_is_known_is_told() -> None:
    found = told(ALL)
    assert found['jhub_server_cpu_seconds_total{server="",user="ada"}'] == 1.5
    assert found['jhub_server_out_of_memory{server="",user="ada"}'] == 1
    assert found['jhub_month_memory_gb_hours{user="ada"}'] == 4
    assert found["jhub_promised_memory_bytes"] == 300
    assert found["jhub_spawns_waiting"] == 1
    assert found['jhub_home_bytes{user="ada",volume="home-ada"}'] == 12
    assert found['jhub_backup_failed{what="backup"}'] == 1
    assert found['jhub_backup_succeeded_timestamp_seconds{what="backup"}'] == 1796040000
    assert 'jhub_backup_succeeded_timestamp_seconds{what="drill"}' not in found


def test_a_name_is_told_once_and_as_it_is() -> None:
    odd = 'zoë "the\\ best"\n'
    month = [Total("ada", 1, 2.0, 0.5, 4.0), Total("ada", 2, 3.0, 0.5, 4.0)]
    text = figures.exposition(Facts(month=[*month, Total(odd, 1, 1.0, 0.0, 0.0)])).decode()
    families = {one.name: one for one in text_string_to_metric_families(text)}
    found = [(one.labels["user"], one.value) for one in families["jhub_month_hours"].samples]
    assert found == [("ada", 5.0), (odd, 1.0)], "two were called ada, one after the other"


def test_what_is_not_known_is_not_told() -> None:
    assert set(told(Facts())) == {
        *("jhub_promised_servers", "jhub_promised_memory_bytes", "jhub_promised_cpus"),
        *("jhub_spawns_waiting", "jhub_spawns_starting", "jhub_spawns_at_a_time"),
    }


def test_cpu_time_is_that_of_all_cpus() -> None:
    stat = "cpu  100 20 30 400 50 6 4 0 7 8\ncpu0 1 2 3 4 5 6 7 8 9 10\n"
    assert figures.cpu_seconds(stat) == {"busy": 1.6, "idle": 4.5}


def test_dashboards_and_alerts_ask_for_metrics_that_there_are() -> None:
    known = {name.partition("{")[0] for name in told(ALL)}
    for family in REGISTRY.collect():
        names = SUFFIXES.get(family.type, [""])
        known |= {f"{family.name}{suffix}" for suffix in names}
    expressions = [one.expression for one in alerts.ALERTS]
    for board in panels.DASHBOARDS:
        own = [one for panel in board.panels for one in panel.lines.values()]
        assert set(re.findall(r"\$(\w+)", "".join(own))) == set(board.prices)
        expressions += own
    named = {
        name
        for one in expressions
        for name in re.findall(r"\b(?:jhub|jupyterhub|process)_\w+", one)
    }
    assert named - known == set()


def test_a_stage_is_timed_and_a_failure_counted() -> None:
    def count() -> float:
        name, labels = "jhub_spawn_stage_seconds_count", {"stage": "network"}
        return REGISTRY.get_sample_value(name, labels) or 0.0

    before, stages = count(), Stages()
    stages.begin()
    stages.tell(Stage.NETWORK)
    stages.tell(Stage.NETWORK, "still at it")
    stages.tell(Stage.VOLUME)
    stages.end()
    assert count() == before + 1
    start_failed = {"status": "failure", "reason": counted.START_FAILED}
    name = "jupyterhub_server_spawn_duration_seconds_count"
    assert REGISTRY.get_sample_value(name, start_failed) is not None, "no rate before the second"


def test_what_is_written_is_for_the_hubs_group_alone(places: Places) -> None:
    mask = os.umask(0o077)
    try:
        make_secrets(places)
        places.metrics.chmod(0o750)
        written.write(places, "/team/", 8081)
    finally:
        os.umask(mask)
    files = [path for path in places.metrics.rglob("*") if path.is_file()]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o640}
    folders = [path for path in places.metrics.rglob("*") if path.is_dir()]
    modes = {path.name: path.stat().st_mode & 0o777 for path in folders}
    assert modes.pop("backup") == 0o770, "nobody else in the group could say how backups went"
    assert set(modes.values()) == {0o750}
    token = read_secret(places.metrics_token)
    assert not [path for path in files if path.name != "token" and token in path.read_text()]
    jobs = json.loads((places.metrics / "prometheus.yml").read_text())["scrape_configs"]
    assert [job.get("metrics_path") for job in jobs] == [
        "/team/hub/metrics",
        f"/team/hub{pages.PLATFORM_PATH}",
        f"/team/hub{pages.PROXY_PATH}",
        None,
    ]
    password = read_secret(places.grafana_password)
    (places.data / "monitoring").mkdir(parents=True)
    (places.data / "monitoring" / "alertmanager.yml").write_text("route: {receiver: mail}")
    written.write(places, "/", 8081)
    assert (places.metrics / "alertmanager.yml").read_text() == "route: {receiver: mail}"
    assert read_secret(places.grafana_password) == password


def test_on_a_full_disk_the_hub_starts_with_what_was_written_before(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_secrets(places)
    assert written.write(places, "/", 8081)
    before = (places.metrics / "prometheus.yml").read_bytes()
    assert written.write(places, "/", 8081)

    def no_room(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for method in ("write_bytes", "write_text"):
        monkeypatch.setattr(Path, method, no_room)
    assert not written.write(places, "/team/", 8081)
    monkeypatch.setattr(os, "open", no_room)
    places.grafana_password.unlink()
    assert not written.write(places, "/", 8081)
    assert (places.metrics / "prometheus.yml").read_bytes() == before
    assert not list(places.metrics.rglob("*.new"))


def test_each_dashboard_can_be_read_by_grafana() -> None:
    for one in panels.DASHBOARDS:
        made = dashboards.as_json(one)
        assert made["uid"] == one.uid
        places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in made["panels"]]
        assert len(set(places)) == len(places)
        assert all(target["expr"] for panel in made["panels"] for target in panel["targets"])
    names = [one.name for one in alerts.ALERTS]
    assert len(set(names)) == len(names)


def table() -> str:
    """The table of the documentation."""
    rows = [
        "| alert | severity | meaning | after | what to do |",
        "| --- | --- | --- | --- | --- |",
    ]
    for one in alerts.ALERTS:
        after = f"{one.minutes} min" if one.minutes else "at once"
        rows.append(f"| {one.name} | {one.severity} | {one.meaning} | {after} | {one.action} |")
    return "\n".join(rows)


def test_the_page_has_the_table_of_the_alerts() -> None:
    begin, end = "<!-- generated from alerts: begin -->\n", "\n<!-- generated from alerts: end -->"
    text = DOCS.read_text("utf-8")
    head, _, rest = text.partition(begin)
    wanted = head + begin + table() + end + rest.partition(end)[2]
    if os.environ.get("JHUB_TEST_WRITE_DOCS"):
        DOCS.write_text(wanted, "utf-8")
    assert DOCS.read_text("utf-8") == wanted


def test_what_takes_long_is_looked_at_once_in_a_while_and_only_when_asked() -> None:
    now, looks = 0.0, []

    class Looking(Slow):
        async def look(self) -> None:
            looks.append(now)
            if len(looks) > 1:
                self.certificate = 1.0

    async def go() -> None:
        nonlocal now
        slow = Looking("https://hub.example.org/", lambda: now)
        for moment in (0.0, SOON - 1, SOON, EVERY, EVERY + SOON, EVERY + SOON + 1, 5 * EVERY):
            now = moment
            slow.asked()
            assert slow._task is not None
            await slow._task

    asyncio.run(go())
    assert looks == [0.0, SOON, EVERY + SOON, 5 * EVERY]


@pytest.mark.parametrize("content", ["", "{", "[]"])
def test_a_file_about_backups_that_was_cut_off_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "status.json").write_text(content)
    assert not pages.read_backup(tmp_path / "status.json")


@pytest.mark.parametrize(
    ("line", "news"),
    [
        ("200 GET /hub/metrics (prometheus@172.28.0.4) 29.86ms", False),
        ("200 GET /team/hub/api/metrics/platform (prometheus@172.28.0.4) 4.49ms", False),
        ("403 GET /hub/metrics (@172.28.0.4) 1.00ms", True),
        ("502 GET /hub/api/metrics/proxy (prometheus@172.28.0.4) 5904.01ms", True),
        ("200 GET /hub/home (ada@10.0.0.1) 29.86ms", True),
        ("202 POST /hub/api/reconcile (lifetimes@172.19.0.3) 1.44ms", False),
        ("204 POST /team/hub/api/homes/purge (lifetimes@172.19.0.3) 94.00ms", False),
        ("204 POST /hub/api/homes/purge (admin@172.19.0.3) 94.00ms", True),
        ("500 POST /hub/api/reconcile (lifetimes@172.19.0.3) 94.00ms", True),
    ],
)
def test_what_goes_well_all_the_time_does_not_fill_the_log(line: str, news: bool) -> None:
    record = logging.LogRecord("tornado.access", logging.INFO, "", 0, line, None, None)
    assert pages.is_news(record) is news
