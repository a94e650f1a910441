"""Scheduled runs: a notebook that fails at its time and says so, one that succeeds, a hub that is
killed; and applications, opened while their owner's server is stopped.
"""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
import requests
from bs4 import BeautifulSoup
from docker.models.containers import Container

from jhub_docker.catalog.identity import LABEL
from jhub_testing.accessibility import judge
from jhub_testing.archives import archive
from jhub_testing.browser import Window
from jhub_testing.person import MakePerson, Person
from jhub_testing.platforms import Platform
from jhub_testing.resources import Engine
from jhub_testing.waiting import PATIENCE, wait_until

RECEIVER = """
import http.server

class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        print(self.rfile.read(int(self.headers["Content-Length"])).decode(), flush=True)
        self.send_response(204)
        self.end_headers()

http.server.HTTPServer(("0.0.0.0", 9000), Hook).serve_forever()
"""


def notebook(*cells: str) -> bytes:
    """A notebook with these cells of code."""
    code: dict[str, object] = {
        "cell_type": "code",
        "metadata": {},
        "outputs": [],
        "execution_count": None,
    }
    found = [{**code, "id": f"cell-{at}", "source": source} for at, source in enumerate(cells)]
    return json.dumps({"cells": found, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


MARIMO = b"""
import marimo

app = marimo.App(app_title="Sales of the week")


@app.cell
def _():
    6 * 7
    return


if __name__ == "__main__":
    app.run()
"""

FILES = {
    "work/good.ipynb": notebook("6 * 7", "open('made', 'w').write('here')"),
    "work/bad.ipynb": notebook("print('so far so good')", "raise LookupError('no figures today')"),
    "work/sales.py": MARIMO,
    "work/long.sh": b"until [ -e flag ]; do sleep 0.2; done; echo it is there",
    "work/slow.sh": b"until [ -e work/go ]; do sleep 0.2; done; python -m http.server $PORT",
}


@pytest.fixture(scope="module")
def receiver(engine: Engine, platform: Platform) -> Container:
    """What a webhook leads to."""
    container: Container = engine.client.containers.create(
        platform.container("hub").attrs["Config"]["Image"],
        ["-c", RECEIVER],
        entrypoint="/opt/hub/bin/python",
        name=engine.name("webhook"),
        labels={**engine.labels, f"{LABEL}.platform": platform.project},
        network=platform.environment["JHUB_NETWORK"],
        networking_config={platform.environment["JHUB_NETWORK"]: engine.endpoint("webhook.test")},
        healthcheck={"test": ["NONE"]},
    )
    container.start()
    engine.watch(container)
    return container


@pytest.fixture(scope="module")
def analyst(make_person: MakePerson, platform: Platform) -> Person:
    """Somebody with notebooks in the home, whose server is stopped."""
    person = make_person("analyst").choose("uv-marimo-small")
    (container,) = platform.servers(person.name)
    assert container.exec_run(["mkdir", "work"])[0] == 0
    container.put_archive("/home/nebula", archive(FILES, owner=1000))
    person.stop()
    return person


@pytest.fixture(scope="module")
def home(analyst: Person, platform: Platform, engine: Engine) -> Callable[[str], str]:
    """What a command says that is run in the analyst's home."""
    (volume,) = engine.client.volumes.list(filters={"label": f"{LABEL}.user={analyst.name}"})
    image = f"local/uv-marimo:{platform.environment['JHUB_IMAGE_TAG']}"
    mount = {volume.name: {"bind": "/home/nebula"}}
    return lambda script: engine.run(image, ["bash", "-ec", script], volumes=mount)


def add(person: Person, name: str, file: str, cron: str = "0 3 * * *", tell: str = "") -> None:
    answer = person.fill(
        "runs", "cron", name=name, file=file, cron=cron, tell=tell, zone="", profile="uv-lab-small"
    )
    assert answer.ok, BeautifulSoup(answer.text, "html.parser").get_text()


def press(person: Person, label: str, name: str, page_name: str = "runs") -> None:
    page = BeautifulSoup(person.hub.get(page_name).text, "html.parser")
    button = page.select_one(f'button[aria-label="{label} {name}"]')
    form = button and button.find_parent("form")
    assert form is not None, f"there is no button {label} of {name}: {page.get_text()}"
    fields = {str(one["name"]): str(one["value"]) for one in form.select("input[name]")}
    answer = person.session.post(f"{person.url}{form['action']}", data=fields, timeout=PATIENCE)
    assert answer.ok, answer.text


def card(person: Person, name: str, page_name: str = "runs") -> str:
    """What the page says of one job."""
    page = BeautifulSoup(person.hub.get(page_name).text, "html.parser")
    (heading,) = (one for one in page.find_all("h2") if one.get_text() == name)
    item = heading.find_parent("li")
    assert item is not None
    return re.sub(r"\s+", " ", item.get_text())


def test_a_notebook_that_fails_at_its_time_says_so(
    analyst: Person, receiver: Container, home: Callable[[str], str]
) -> None:
    add(analyst, "bad", "work/bad.ipynb", "* * * * *", "http://webhook.test:9000/hook")
    lines = wait_until(lambda: receiver.logs(stderr=False).decode().splitlines(), "the message")
    press(analyst, "Pause", "bad")
    told: dict[str, Any] = json.loads(lines[0])
    assert (told["person"], told["job"], told["outcome"]) == ("analyst", "bad", "failed")
    assert told["exit_code"] == 1
    assert "no figures today" in told["text"]
    # The hub notes it when the receiver has answered.
    wait_until(lambda: "failed (exit code 1); told" in card(analyst, "bad"), "it to be noted")
    assert "LookupError: no figures today" in home("cat runs/bad/latest/log.txt")
    kept = json.loads(home("cat runs/bad/latest/bad.ipynb"))
    assert kept["cells"][0]["outputs"][0]["text"] == ["so far so good\n"]


def test_a_notebook_that_succeeds_leaves_its_results(
    analyst: Person, home: Callable[[str], str], platform: Platform
) -> None:
    add(analyst, "good", "~/work/good.ipynb")
    press(analyst, "Run now", "good")
    wait_until(lambda: "went well" in card(analyst, "good"), "the run to be over")
    assert json.loads(home("cat runs/good/*Z/result.json"))["exit_code"] == 0
    assert "42" in home("cat runs/good/*Z/good.html")
    assert home("cat work/made") == "here"
    wait_until(lambda: not platform.servers(analyst.name), "its server to be gone")
    assert "scheduled-" not in analyst.hub.get("home").text


def test_a_hub_that_ends_meanwhile_neither_loses_nor_doubles_a_run(
    analyst: Person, platform: Platform, home: Callable[[str], str]
) -> None:
    add(analyst, "long", "work/long.sh")
    press(analyst, "Run now", "long")

    def begun() -> Container | None:
        for found in platform.servers(analyst.name):
            if found.exec_run(["test", "-e", "runs/long"])[0] == 0:
                return found
        return None

    before = wait_until(begun, "the run to begin")
    platform.container("hub").kill()
    platform.compose("up", "--detach", "--wait", "--wait-timeout", str(PATIENCE), "hub")
    platform.wait_until_open()
    assert "Running" in card(analyst, "long")
    (container,) = platform.servers(analyst.name)
    assert container.id == before.id
    assert container.exec_run(["touch", "work/flag"])[0] == 0
    wait_until(lambda: "went well" in card(analyst, "long"), "the run to be over")
    assert home("cat runs/long/*Z/log.txt") == "it is there\n"
    assert len(home("ls -d runs/long/*Z").split()) == 1


def test_an_admin_sees_all_and_stops_one(
    analyst: Person, admin: Person, platform: Platform, home: Callable[[str], str]
) -> None:
    home("rm work/flag")
    press(analyst, "Run now", "long")
    wait_until(lambda: platform.servers(analyst.name), "the run to begin")
    page = BeautifulSoup(admin.hub.get("runs").text, "html.parser")
    assert {"bad", "good", "long"} <= set(page.get_text().split())
    wait_until(lambda: "state-running" in admin.hub.get("runs").text, "the run to go on")
    press(admin, "Stop", "long")
    wait_until(lambda: "was stopped" in card(analyst, "long"), "the run to be stopped")
    wait_until(lambda: not platform.servers(analyst.name), "its server to be gone")


def fill_in(person: Person, name: str, audience: str, file: str = "work/sales.py") -> None:
    answer = person.fill(
        "apps",
        "audience",
        **{"name": name, "file": file, "profile": "uv-marimo-small"},
        **{"audience": audience, "days": "7"},
    )
    assert answer.ok, BeautifulSoup(answer.text, "html.parser").get_text()


def publish(person: Person, name: str, audience: str) -> None:
    fill_in(person, name, audience)
    wait_until(lambda: "Running" in card(person, name, "apps"), "the application to run")


def test_a_colleague_opens_an_application_after_its_owners_server_has_stopped(
    analyst: Person,
    make_person: MakePerson,
    platform: Platform,
    open_window: Callable[[], Window],
) -> None:
    publish(analyst, "sales", "people")
    (container,) = platform.servers(analyst.name)
    assert container.labels[f"{LABEL}.server"] == "published-sales"
    colleague = make_person("colleague")
    address = "/hub/apps/analyst/sales"
    assert "/hub/login" in requests.get(f"{platform.url}{address}", timeout=PATIENCE).url
    window = open_window()
    window.sign_in(colleague.name, colleague.password)
    window.see(window.page.get_by_role("button", name="Logout"))
    window.open(address)
    window.page.get_by_role("button", name="Authorize").click()
    window.see(window.page.get_by_text("42", exact=True))
    assert window.page.title() == "Sales of the week"
    window.keep_picture("application-of-a-colleague")
    window.close()


def test_an_application_that_starts_is_not_offered_to_be_started(
    analyst: Person, home: Callable[[str], str]
) -> None:
    fill_in(analyst, "slow", "oneself", "work/slow.sh")
    assert card(analyst, "slow", "apps").split()[-2:] == ["Stop", "Delete"]
    assert "Starting" in card(analyst, "slow", "apps")
    home("touch work/go")
    wait_until(lambda: "Running" in card(analyst, "slow", "apps"), "it to run")
    press(analyst, "Stop", "slow", "apps")
    wait_until(lambda: "Stopped" in card(analyst, "slow", "apps"), "it to be stopped")
    assert card(analyst, "slow", "apps").split()[-2:] == ["Start", "Delete"]
    press(analyst, "Delete", "slow", "apps")


def test_an_application_is_for_whom_it_was_published(
    analyst: Person, make_person: MakePerson, admin: Person, platform: Platform
) -> None:
    publish(analyst, "mine", "oneself")
    publish(analyst, "open", "public")
    other = make_person("passer-by")
    assert other.hub.get("apps/analyst/mine").status_code == 404
    served = f"{platform.url}/user/analyst/published-mine/"
    assert other.session.get(served, timeout=PATIENCE).status_code == 403
    assert "/hub/login" in requests.get(served, timeout=PATIENCE).url
    answer = requests.get(f"{platform.url}/hub/apps/analyst/open", timeout=PATIENCE)
    assert "Sales of the week" in answer.text, answer.url
    assert other.start_by_api({"profile": "uv-marimo-small"}, "published-x").status_code == 400
    press(admin, "Stop", "open", "apps")
    wait_until(lambda: "Stopped" in card(analyst, "open", "apps"), "the application to be stopped")
    away = requests.get(f"{platform.url}/hub/apps/analyst/open", timeout=PATIENCE)
    assert (away.status_code, "open is stopped" in away.text) == (503, True)
    for name in ("sales", "mine", "open"):
        press(analyst, "Delete", name, "apps")
    wait_until(lambda: platform.servers(analyst.name) == [], "all to be gone")


def test_the_page_in_a_browser(analyst: Person, open_window: Callable[[], Window]) -> None:
    window = open_window()
    window.sign_in(analyst.name, analyst.password)
    window.see(window.page.get_by_role("button", name="Logout"))
    window.open("/hub/runs")
    window.see(window.page.get_by_text("failed (exit code 1)"))
    # In the zone of whoever reads it: what the page said by itself, by the job's, is the hint.
    time = window.see(window.page.locator("time[title$=IST]"))
    assert time.inner_text() != time.get_attribute("title")
    own = window.page.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone")
    assert window.page.get_by_label("Time zone").input_value() == own, "not the platform's"
    assert judge(window, "runs-that-were") == []
    window.close()
