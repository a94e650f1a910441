"""What an operator does with backups of a running platform: made, tried out, brought back."""

import json
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pyotp
import pytest
import requests
from bs4 import BeautifulSoup
from playwright.sync_api import Browser

from jhub_docker.platform import left_over, public_images
from jhub_testing.backups import Backups
from jhub_testing.person import Person
from jhub_testing.platforms import SUDO_PROFILE, Platform
from jhub_testing.resources import Engine
from jhub_testing.tracked import Tracked
from jhub_testing.waiting import PATIENCE, wait_until

WITHIN = "/home/nebula/work/notes.txt"
PROVIDER_SECRET = "of the provider"
SECRETS = """
find /home-volume/secrets -type f -exec sh -c 'cat "$1"; echo' _ {} ';'
"""


def secret_words(backups: Backups) -> set[str]:
    """The platform's own secrets as they are now, older ones too."""
    environment = backups.platform.environment
    data, proxy = environment["JHUB_DATA_VOLUME"], environment["JHUB_PROXY_VOLUME"]
    metrics = f"{backups.platform.project}_metrics"
    watchers = backups.in_volume(metrics, "cat /home-volume/token; echo; cat /home-volume/gra*word")
    key = backups.in_volume(environment["JHUB_BACKUP_VOLUME"], "cat /home-volume/password")
    token = backups.in_volume(proxy, "cat /home-volume/token")
    words = {*backups.in_volume(data, SECRETS).split(), key.strip(), token.strip()}
    words |= set(watchers.split())
    assert len(words) > 3
    return words


@pytest.fixture(scope="module")
def backups(
    engine: Engine, pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Backups]:
    """A platform of its own, since its hub is stopped and its database replaced."""
    settings = {
        "JHUB_SIGNUP": "open",
        "JHUB_BACKUP_TO": str(tmp_path_factory.mktemp("backups")),
        # Needed by nobody here: a secret that is a variable.
        "JHUB_PROVIDER_SECRET": PROVIDER_SECRET,
        "COMPOSE_PROFILES": "mlflow",
        "JHUB_TRACKING_IMAGE": public_images.image(pytestconfig.rootpath, "tracking"),
    }
    with Platform(engine, pytestconfig.rootpath, "backup", settings=settings) as platform:
        yield Backups(platform)


@pytest.fixture(scope="module")
def ada(backups: Backups) -> Person:
    """Somebody with a second factor, who works."""
    ada = Person(backups.platform.url, "ada").join()
    ada.choose(SUDO_PROFILE)
    key = BeautifulSoup(
        ada.fill("second-factor", "password", password=ada.password).text, "html.parser"
    ).select_one("#totp-key")
    assert key
    code = pyotp.TOTP(key.get_text(strip=True)).now()
    assert ada.fill("second-factor", "code", code=code).ok
    backups.in_server("ada", "mkdir -p work; echo of-the-backup > work/notes.txt; chmod 640 work/*")
    backups.in_server(
        "ada", "ln -s notes.txt work/link; ln work/notes.txt work/same; mkfifo work/p"
    )
    backups.in_server("ada", "sudo -n touch work/of-root; sudo -n chmod 4711 work/of-root")
    return ada


@pytest.fixture(scope="module")
def tracked(backups: Backups, ada: Person) -> Tracked:
    """A run that ada's server has tracked."""
    return Tracked.made(backups, ada)


@pytest.fixture(scope="module")
def before(backups: Backups, ada: Person, tracked: Tracked) -> str:
    """A folder of the home, file by file, when it is backed up while its server runs."""
    first = backups.invoke("backup")
    key = backups.invoke("backup.key").strip()
    assert "backup.key > jhub-backup.key" in first, "nobody is told to keep the key"
    assert len(key) > 30
    assert key not in first
    return backups.files(backups.home("ada"), "work")


def test_a_backup_is_listed_with_what_is_in_it(backups: Backups, before: str) -> None:
    said = json.loads(backups.invoke("backup.list", "--json"))
    found = {(one["kind"], one["person"], one["complete"]) for one in said["snapshots"]}
    assert found == {("hub", "", True), ("home", "ada", True), ("spaces", "", True)}
    assert said["status"]["backup"]["wrong"] == ""
    variables = backups.invoke("backup.settings")
    assert f"JHUB_PLATFORM='{backups.platform.project}'" in variables


def test_what_is_tracked_is_its_persons_alone(
    backups: Backups, ada: Person, tracked: Tracked, browser: Browser
) -> None:
    tracked.is_seen(browser)
    tracked.is_hidden_from(Person(backups.platform.url, "eve").join())


def test_what_is_tracked_comes_back(backups: Backups, before: str, tracked: Tracked) -> None:
    tracked.delete()
    backups.invoke("restore", f"--user={backups.platform.project}_tracking", "--yes")
    wait_until(lambda: tracked.artefact() == tracked.content, "the run to be back")


def test_what_only_looks_makes_nothing_and_tells_nothing_of_another_repository(
    backups: Backups, before: str, tmp_path: Path
) -> None:
    for task in ("backup.list", "backup.verify", "backup.drill", "restore"):
        told = backups.refused(task, "--to", str(tmp_path / "new"), code=1)
        assert f"the engine's machine has no {tmp_path / 'new'}" in told
    assert not (tmp_path / "new").exists()
    (tmp_path / "file").touch()
    told = backups.refused("backup", "--to", str(tmp_path / "file"))
    assert "is a file; expected a folder" in told
    assert backups.invoke("backup.list").count("Last backup: 20") == 1
    told = backups.refused("config.check", JHUB_BACKUP_TO="backups")
    assert "the repository is 'backups'; expected a folder" in told


def test_one_file_comes_back_while_its_person_works(backups: Backups, before: str) -> None:
    backups.in_server("ada", "echo spoilt > work/notes.txt")
    told = backups.invoke("restore", "--user=ada", f"--path={WITHIN}", "--yes")
    assert "work/notes.txt is back" in told
    assert backups.in_server("ada", "cat work/notes.txt").strip() == "of-the-backup"
    assert backups.in_server("ada", "cat work/notes.txt.before*").strip() == "spoilt"
    missing = backups.refused("restore", "--user=ada", "--path=nothing", "--yes")
    assert "has no nothing" in missing


def test_secrets_are_made_anew_and_nobody_notices(
    backups: Backups, ada: Person, before: str
) -> None:
    def proxy_since() -> str:
        return str(backups.platform.container("proxy").attrs["State"]["StartedAt"])

    def metrics(token: str) -> int:
        url, headers = f"{backups.platform.url}/hub/metrics", {"Authorization": f"Bearer {token}"}
        return requests.get(url, headers=headers, timeout=PATIENCE).status_code

    token_of = ("exec", "-T", "hub", "cat", "/srv/metrics/token")
    token = backups.platform.compose(*token_of)
    assert metrics(token) == 200
    old, since = secret_words(backups), proxy_since()
    (server,) = backups.platform.servers("ada")
    assert "proxy-token is new" in backups.invoke("secrets.rotate", "all")
    assert metrics(token) == 403
    assert metrics(backups.platform.compose(*token_of)) == 200
    backups.invoke("secrets.rotate", "backup-key", "--yes")
    backups.invoke("secrets.rotate", "grafana-password")
    now = secret_words(backups)
    assert len(now - old) >= 6, "two tokens, two keys, a password and a cookie secret are not new"
    assert ada.is_logged_in()
    assert ada.server.get("api").ok
    assert proxy_since() == since
    assert [one.id for one in backups.platform.servers("ada")] == [server.id]
    assert json.loads(backups.invoke("backup.list", "--json"))["snapshots"], "the new key opens it"
    hub = backups.platform.container("hub")
    factors = ["python", "-m", "hub_config", "read-factors"]
    for drop in ([], ["--drop", "--yes"]):
        if drop:
            assert "Recovery codes of 1 people ended" in backups.invoke(
                "secrets.rotate", "all", *drop
            )
        seen = json.loads(hub.exec_run(factors).output)
        assert (seen["factors"], seen["opened"]) == (1, 1)
    assert not ada.is_logged_in(), "a cookie of the secret that was dropped is taken"
    left = secret_words(backups) & old
    assert left <= {backups.platform.one_time_password()}, "an older one is kept"
    asked = backups.operator.invoke("secrets.set", "JHUB_PROVIDER_SECRET", given="kept-by-itself")
    assert "once the variable JHUB_PROVIDER_SECRET is gone" in asked.stdout, asked.stderr


@pytest.fixture
def scheduled(backups: Backups) -> Iterator[None]:
    """The service that backs up, for which it is no time."""
    service, hour = ("--profile", "backup"), datetime.now(UTC) - timedelta(hours=1)
    backups.platform.environment["JHUB_BACKUP_SCHEDULE"] = f"{hour:%H:%M}"
    backups.platform.compose(*service, "up", "--detach", "--no-deps", "backup")
    yield
    backups.platform.compose(*service, "rm", "--stop", "--force", "backup")


def test_an_admin_gives_a_file_of_a_backup(
    backups: Backups, ada: Person, before: str, scheduled: None
) -> None:
    def told(what: str, who: str) -> bool:
        entries = json.loads(backups.invoke("audit-log", f"--what={what}", "--json"))
        return any((one["who"], one["result"]) == (who, "ok") for one in entries)

    admin = backups.platform.first_admin()
    wait_until(lambda: 'name="night"' in admin.hub.get("homes").text, "somebody who backs up")
    backups.in_server("ada", "echo of-today > work/notes.txt")
    away = admin.fill("homes", "file", person="ada", file="../else", night="")
    assert (away.status_code, "within a home" in away.text) == (400, True)
    assert admin.fill("homes", "file", person="ada", file=WITHIN, night="").ok
    found = wait_until(
        lambda: backups.in_server("ada", "stat -c '%U %a %n' work/notes.txt.from-*"),
        "the file to be there",
        ignoring=AssertionError,
    )
    owner, mode, name = found.split()
    assert (owner, mode) == ("nebula", "640")
    assert backups.in_server("ada", f"cat {name}").strip() == "of-the-backup"
    assert backups.in_server("ada", "cat work/notes.txt").strip() == "of-today"
    wait_until(lambda: Path(name).name in admin.hub.get("homes").text, "the answer on the page")
    assert told("home.give-file", "admin")
    wait_until(lambda: told("home.file-given", "admin"), "its entry")


def test_a_report_has_the_doctors_findings_and_no_secret(
    backups: Backups, ada: Person, before: str, tmp_path: Path
) -> None:
    words = {*secret_words(backups), PROVIDER_SECRET}
    url = f"{backups.platform.url}/hub/nothing?x={{}}"
    for one in words:  # whatever is in an address is in the log
        requests.get(url.format(quote(one, safe="")), timeout=PATIENCE)
    place = tmp_path / "report.tar.gz"
    login = "rest:https://ada:hush@backups.example/x"
    backups.invoke("report", f"--to={place}", JHUB_FIREWALL="off", JHUB_HELP_URL=login)
    with tarfile.open(place) as tar:
        files = {one.name: tar.extractfile(one).read().decode() for one in tar}  # type: ignore[union-attr]
    hub = f"jhub-report/logs/{backups.platform.container('hub').name}.txt"
    assert "nothing?x=(left out)" in files[hub]
    text = "".join(files.values())
    assert not [one for one in words if one in text or quote(one, safe="") in text]
    assert "hush" not in text
    said = json.loads(files["jhub-report/doctor.json"])
    codes = {one["code"] for one in said["findings"]}
    assert codes >= {"JD015", "JD028", "JD042"}
    assert json.loads(files["jhub-report/versions.json"])["engine"]
    assert json.loads(files["jhub-report/settings.json"])["JHUB_SIGNUP"] == "open"


def test_nothing_is_replaced_under_somebodys_hands(backups: Backups, before: str) -> None:
    told = backups.refused("restore", "--user=ada", "--yes")
    assert "somebody works in" in told
    assert "--servers" in told
    without = backups.refused("restore", "--user=ada", "--servers")
    assert f"REPLACES the home of ada in the volume {backups.home('ada')}" in without
    assert backups.in_server("ada", "ls work/notes.txt.before*")


def test_a_home_comes_back_as_it_was(backups: Backups, before: str) -> None:
    backups.in_server("ada", "rm -r work; echo x > later.txt")
    assert "1 volume is restored" in backups.invoke("restore", "--user=ada", "--servers", "--yes")
    assert backups.files(backups.home("ada"), "work") == before


def test_a_home_whose_volume_is_gone_comes_back(backups: Backups, before: str) -> None:
    volume = backups.platform.engine.client.volumes.get(backups.home("ada"))
    labels = volume.attrs["Labels"]
    volume.remove()
    backups.invoke("restore", "--user=ada", "--yes")
    again = backups.platform.engine.client.volumes.get(backups.home("ada"))
    assert again.attrs["Labels"] == labels
    assert backups.files(backups.home("ada"), "work") == before


def test_the_drill_tries_all_of_it_and_leaves_nothing(backups: Backups, before: str) -> None:
    told = backups.invoke("backup.drill")
    assert "1 second factor opened, admin logged in" in told
    client, name = backups.platform.engine.client, left_over.drill_of(backups.platform.project)
    label = {"label": f"io.jhub-docker.platform={name}"}
    assert not client.volumes.list(filters=label)
    assert not client.containers.list(all=True, filters=label, ignore_removed=True)
    assert not client.networks.list(filters=label)


def test_the_hub_goes_back_to_the_day_of_the_backup(
    backups: Backups, ada: Person, before: str
) -> None:
    late = Person(backups.platform.url, "late").join()
    assert "Start the platform" not in backups.invoke("restore", "--hub", "--yes")
    backups.platform.wait_until_open()
    again = Person(backups.platform.url, "late", late.password)
    again.log_in()
    assert not again.is_logged_in(), "who signed up after the backup is still there"
    assert Person(ada.url, "ada", ada.password).log_in().url.endswith("/hub/login/code")
    the_audit_log_goes_on(backups)


def the_audit_log_goes_on(backups: Backups) -> None:
    """It is the older one, says what was done, and what was there until then is kept."""
    assert "each as it was written" in backups.invoke("audit-log.verify")
    entries = json.loads(backups.invoke("audit-log", "--what=restore", "--json"))
    assert entries[-1]["who"].startswith("operator ")
    number = entries[-1]["log_ended_at"].partition(":")[0]
    kept = backups.platform.root / ".dev" / "audit" / f"until-{number}.jsonl"
    try:
        told = [json.loads(line) for line in kept.read_text("utf-8").splitlines()]
    finally:
        kept.unlink()
    assert {"signup", "backup", "restore"} <= {one["what"] for one in told}
    failed = [one for one in told if (one["what"], one["result"]) == ("restore", "failed")]
    assert {one["path"] for one in failed} == {"nothing"}
    assert "late" in {one["who"] for one in told}


def test_a_backup_of_nobody_is_refused(backups: Backups, before: str) -> None:
    assert "there is no home of eve" in backups.refused("backup", "--user=eve")


def test_the_data_can_be_read_back(backups: Backups, before: str) -> None:
    assert "snapshots are sound (all of the data was read)" in backups.invoke("backup.verify")
    place = Path(backups.platform.environment["JHUB_BACKUP_TO"])
    pack = max((place / "data").rglob("*"), key=lambda path: path.is_file() and path.stat().st_size)
    content = bytearray(pack.read_bytes())
    content[len(content) // 2] ^= 0xFF
    pack.chmod(0o600)
    pack.write_bytes(content)
    assert "is damaged" in backups.refused("backup.verify", code=1)
