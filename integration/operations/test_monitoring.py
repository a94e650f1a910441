"""Prometheus and Alertmanager beside a real platform: alerts are made true and seen to fire, every
expression of the dashboards finds data, and `promtool` judges all rules.

What stays undone here is in `NEVER_TRUE_HERE`: `promtool` alone judges that.
"""

import json
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import requests
from docker.types import IPAMConfig, IPAMPool

from jhub_docker.platform import public_images
from jhub_docker.platform.ports import free_port
from jhub_testing.person import Person
from jhub_testing.platforms import Platform
from jhub_testing.resources import Engine
from jhub_testing.waiting import wait_until

from . import alert_examples, door
from .watched import Watched, is_over, kill

MEGABYTES, INODES = 200, 3000
"""Of the disk with the data volume, which is one of its own here."""

WATCHERS = ("prometheus", "alertmanager")

NEVER_TRUE_HERE = {
    "FiguresMissing": "the engine would have to be away for ten minutes",
    "MemoryShort": "the machine is everybody's",
}

IMPATIENT = """
import json, pathlib
folder = pathlib.Path("/srv/metrics")
INTERVALS = ("scrape_interval", "evaluation_interval")
for name, change in (
    ("prometheus.yml", lambda all: all.update({"global": dict.fromkeys(INTERVALS, "5s")})),
    ("alerts.yml", lambda all: [one.update({"for": "0s"}) for one in all["groups"][0]["rules"]]),
):
    content = json.loads((folder / name).read_text())
    change(content)
    (folder / name).write_text(json.dumps(content))
"""


@pytest.fixture(scope="module")
def watched(
    engine: Engine, pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Watched]:
    root = pytestconfig.rootpath
    settings = {
        "COMPOSE_PROFILES": "monitoring,homes",
        "JHUB_SIGNUP": "open",
        "JHUB_PUBLIC_URL": f"https://{door.NAME}:8443/",
        "JHUB_MIN_FREE_DISK_GB": "0",
        "JHUB_CONCURRENT_SPAWN_LIMIT": "1",
        "JHUB_ALLOWED_FAILED_LOGINS": "1000",
        "JHUB_MEASURE_HOMES_MINUTES": "1",
        # Its own, since another network is put into it, beside which no other guard would start.
        "JHUB_ADDRESS_POOL": "10.214.0.0/16",
        "JHUB_BACKUP_TO": str(tmp_path_factory.mktemp("backups")),
    }
    for service in WATCHERS:
        settings[public_images.VARIABLES[service]] = public_images.image(root, service)
        settings[f"JHUB_{service.upper()}_PORT"] = str(free_port())
    platform = Platform(engine, root, "watched", settings=settings)
    options = f"size={MEGABYTES}m,nr_inodes={INODES},uid=990,gid=990,mode=700"
    platform.make_data_volume({"type": "tmpfs", "device": "tmpfs", "o": options})
    with platform:
        watched = Watched(platform)
        watched.door = door.opened(engine, platform)
        watched.in_hub("python", "-c", IMPATIENT)
        platform.compose("kill", "--signal", "HUP", "prometheus")
        watched.wait_for('up{job="platform"} == 1')
        yield watched


@pytest.fixture(scope="module")
def ada(watched: Watched) -> Person:
    """Somebody who works, and whose server was measured."""
    ada = watched.started("ada")
    wait_until(lambda: watched.is_ready(ada), "ada's server")
    watched.wait_for('jhub_server_cpu_seconds_total{user="ada"} > 0')
    return ada


def test_the_token_opens_nothing_else_and_is_neither_shown_nor_kept(watched: Watched) -> None:
    token = watched.in_hub("cat", "/srv/metrics/token").strip()
    headers = {"Authorization": f"Bearer {token}"}
    for path in ("proxy", "lifetimes", "groups"):
        url = f"{watched.platform.url}/hub/api/{path}"
        assert requests.get(url, headers=headers, timeout=60).status_code in (403, 404), path
    everything = watched.platform.engine.client.api.inspect_container(
        watched.platform.container("prometheus").id
    )
    assert token not in json.dumps(everything)
    assert token not in watched.in_hub(
        "sh", "-c", "cat /srv/jupyterhub/jupyterhub.sqlite | strings || true"
    )


def test_up_says_where_they_are_and_the_doctor_finds_nothing_in_it(watched: Watched) -> None:
    told = watched.backups.invoke("up", "--no-build")
    for service in WATCHERS:
        port = watched.platform.environment[f"JHUB_{service.upper()}_PORT"]
        image = watched.platform.environment[public_images.VARIABLES[service]]
        assert f"{service.title()} is at http://127.0.0.1:{port} ({image}" in told
    assert "JD013" not in watched.backups.operator.invoke("doctor", "--json").stdout


def test_what_people_used_is_told(watched: Watched, ada: Person) -> None:
    told = json.loads(watched.backups.invoke("usage", "--json"))
    (used,) = [one for one in told["people"] if one["name"] == "ada"]
    assert used["cpu_hours"] > 0
    assert used["servers"] == 1
    assert re.search(
        r"person +servers +hours +CPU hours +GB-hours", watched.backups.invoke("usage")
    )
    assert "Nobody" in watched.backups.invoke("usage", "--month=2001-01")
    assert "'2001-13'" in watched.backups.refused("usage", "--month=2001-13")


def test_every_expression_of_the_dashboards_finds_data(watched: Watched, ada: Person) -> None:
    watched.backups.invoke("backup")
    watched.wait_for('jhub_backup_succeeded_timestamp_seconds{what="backup"}')
    watched.wait_for('jhub_home_bytes{user="ada"}')
    expressions = list(of_dashboards(watched))
    assert len(expressions) > 40
    for expression in expressions:
        watched.wait_for(expression)


def of_dashboards(watched: Watched) -> Iterator[str]:
    """The expressions that Grafana asks, with the prices filled in."""
    folder = "/srv/metrics/grafana/dashboards"
    for name in watched.in_hub("ls", folder).split():
        if not name.endswith(".json"):
            continue
        board = json.loads(watched.in_hub("cat", f"{folder}/{name}"))
        for panel in board["panels"]:
            for target in panel["targets"]:
                expression = str(target["expr"])
                for price in board["templating"]["list"]:
                    expression = expression.replace(f"${price['name']}", price["query"])
                yield expression


def test_every_rule_is_judged_by_promtool(watched: Watched) -> None:
    rules = json.loads(watched.in_hub("cat", "/srv/metrics/alerts.yml"))["groups"][0]["rules"]
    names = [rule["alert"] for rule in rules]
    tests = alert_examples.tests(names, "/srv/metrics/alerts.yml")
    container = watched.platform.container("prometheus")
    told = watched.platform.engine.run(
        watched.platform.environment["JHUB_PROMETHEUS_IMAGE"],
        ["sh", "-c", 'echo "$TESTS" >/tmp/tests.yml && promtool test rules /tmp/tests.yml 2>&1'],
        environment={"TESTS": json.dumps(tests)},
        user="65534:990",
        volumes_from=[container.id],
    )
    assert "SUCCESS" in told


def test_a_frozen_proxy_and_a_frozen_hub_are_told(watched: Watched) -> None:
    with watched.frozen("proxy"):
        watched.wait_for_alert("ProxyDown")
    for _ in range(2):
        watched.wait_for('up{job="hub"} == 1')
        with watched.frozen("hub"):
            watched.wait_for('up{job="hub"} == 0')
            watched.wait_for_alert("HubDown")
    watched.wait_for_alert("EventLoopBlocked")


def test_a_program_that_needs_too_much_memory_is_told(watched: Watched, ada: Person) -> None:
    server = watched.container_of("ada")
    code, _ = server.exec_run(["python3", "-c", "len(bytearray(b'x') * (4 * 2**30))"])
    assert code != 0
    watched.wait_for_alert("OutOfMemory")


def test_starts_that_fail_and_wait_are_told(watched: Watched, ada: Person) -> None:
    for number in range(3):
        slow, container = watched.held(f"slow{number}")
        if number == 0:
            watched.started("waiting")
            watched.wait_for_alert("StartsWait")
        kill(container)
        wait_until(partial(is_over, slow), f"the end of {slow.name}'s start")
    watched.wait_for_alert("StartsFail")


def test_many_wrong_passwords_are_told(watched: Watched) -> None:
    def guessed() -> bool:
        Person(watched.platform.url, "ada", "wrong").log_in()
        return "LoginsFail" in watched.alerts()

    wait_until(guessed, "LoginsFail to fire")


FILL = """
import os, pathlib, sys
left, inodes = map(int, sys.argv[1:])
many = pathlib.Path("/srv/jupyterhub/many")
many.mkdir(exist_ok=True)
while os.statvfs(many).f_favail > inodes:
    (many / str(os.statvfs(many).f_favail)).touch()
with (many / "ballast").open("ab") as file:
    while os.statvfs(many).f_bavail * os.statvfs(many).f_frsize > left * 10**6:
        file.write(bytes(100_000))
        file.flush()
"""


def test_a_full_disk_is_told(watched: Watched, engine: Engine, tmp_path: Path) -> None:
    watched.in_hub("python", "-c", FILL, str(MEGABYTES // 14), str(INODES // 25))
    watched.wait_for_alert("DiskNearlyFull")
    watched.wait_for_alert("InodesNearlyGone")
    watched.in_hub("python", "-c", FILL, str(MEGABYTES // 66), str(INODES // 25))
    watched.wait_for_alert("DiskFull")
    the_doctor_sees_it_too(watched, engine, tmp_path)
    watched.in_hub("rm", "-r", "/srv/jupyterhub/many")


def the_doctor_sees_it_too(watched: Watched, engine: Engine, folder: Path) -> None:
    """The full disk, a certificate that ends soon, and somebody's network in the address pool."""
    watched.door.ca.cert_pem.write_to_path(folder / "ca.pem")
    pool = IPAMConfig(pool_configs=[IPAMPool(subnet="10.214.250.0/28")])
    lan = engine.client.networks.create(engine.name("lan"), ipam=pool, labels=engine.labels)
    try:
        ended = watched.backups.operator.invoke(
            "doctor",
            "--json",
            JHUB_PUBLIC_URL=watched.door.url,
            SSL_CERT_FILE=str(folder / "ca.pem"),
        )
    finally:
        lan.remove()
    findings = {one["code"]: one["says"] for one in json.loads(ended.stdout)["findings"]}
    assert findings["JD016"].startswith("10.214.250.0/28 on br-")
    assert findings["JD025"].startswith(f"that of {watched.door.url}")
    volume = watched.platform.environment["JHUB_DATA_VOLUME"]
    assert f"the disk of the volume {volume}" in findings["JD005"]
    assert findings["JD006"].startswith(f"the disk of the volume {volume}")


def test_a_certificate_that_ends_soon_is_told(watched: Watched) -> None:
    watched.wait_for_alert("CertificateEnds")


def test_backups_that_fail_or_are_old_are_told(watched: Watched) -> None:
    place = Path(watched.platform.environment["JHUB_BACKUP_TO"])
    (place / "config").rename(place / "config-elsewhere")
    assert watched.backups.refused("backup", code=1)
    (place / "config-elsewhere").rename(place / "config")
    watched.wait_for_alert("BackupFailed")
    long_ago = "2001-01-01T00:00:00+00:00"
    told = {what: {"succeeded": long_ago, "failed": False} for what in ("backup", "drill")}
    # The file is root's, in a folder where the hub may replace it.
    replace = 'cd /srv/metrics/backup && printf %s "$0" >old && mv -f old status.json'
    watched.in_hub("sh", "-c", replace, json.dumps(told))
    watched.wait_for_alert("BackupOld")
    watched.wait_for_alert("DrillOld")


def test_every_alert_was_seen_or_has_a_reason(watched: Watched) -> None:
    source = Path(__file__).read_text("utf-8")
    rules = json.loads(watched.in_hub("cat", "/srv/metrics/alerts.yml"))["groups"][0]["rules"]
    seen = set(re.findall(r'"(\w+)"(?:\)\n| in watched.alerts)', source))
    names = {rule["alert"] for rule in rules}
    assert names - seen == set(NEVER_TRUE_HERE)
