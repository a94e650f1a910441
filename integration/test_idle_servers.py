"""Who is stopped for being idle, and who is not, on a platform where that is a matter of seconds.

An open tab whose websocket goes on sending frames does not keep a server; work does, whether it
uses the CPU or not, and whether or not a tab is open.
"""

import json
import re
import secrets
import signal
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urljoin

import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import Browser
from websocket import WebSocket

from jhub_testing import probes
from jhub_testing.browser import Window
from jhub_testing.client import Client
from jhub_testing.kernel import Kernel
from jhub_testing.operator import Operator
from jhub_testing.person import Person
from jhub_testing.platforms import Platform
from jhub_testing.resources import Engine
from jhub_testing.sockets import received
from jhub_testing.waiting import PATIENCE, wait_until

SETTINGS = {
    "JHUB_IDLE_TIMEOUT": "20",
    "JHUB_WARNING_TIME": "10",
    "JHUB_MORE_TIME_CAP": "600",
    "JHUB_NAMED_SERVER_LIMIT": "0",
    "JHUB_LOG_FORMAT": "json",
}

TO_LIFETIMES = """
import os, pathlib, sys
for folder in pathlib.Path("/proc").glob("[0-9]*"):
    try:
        command = (folder / "cmdline").read_bytes().split(b"\\0")
    except OSError:
        continue
    if b"hub_config.keeper" in command:
        os.kill(int(folder.name), int(sys.argv[1]))
        print("sent")
"""
"""Sends a signal to the process in the hub's container that stops servers."""


@dataclass
class Servers:
    """One person with several servers on a platform of its own."""

    platform: Platform
    person: Person

    def running(self) -> set[str]:
        """The names of those that run, as the hub knows them."""
        user = self.person.hub.get(f"api/users/{self.person.name}").json()
        return {name for name, server in user["servers"].items() if server["ready"]}

    def home_says(self, why: str) -> bool:
        """Whether the hub's page says why some server counts as active."""
        # The header names no charset, and requests then takes text for Latin-1.
        text = self.person.hub.get("home").content.decode()
        return f"counts as active: {why}" in " ".join(text.split())

    def start(self, name: str, profile: str) -> Client:
        """Start a server and wait until it answers."""
        self.person.hub.get("home")
        path = f"api/users/{self.person.name}/servers/{name}"
        answer = self.person.hub.post(path, json={"profile": profile})
        assert answer.ok, f"{name}: {answer.status_code} {answer.text[:300]}"
        wait_until(lambda: name in self.running(), f"the server {name}")
        url = f"{self.platform.url}/user/{self.person.name}/{name}/"
        client = Client(url, session=self.person.session)
        assert client.get("").ok
        return client


@pytest.fixture(scope="module")
def servers(engine: Engine, pytestconfig: pytest.Config) -> Iterator[Servers]:
    with Platform(engine, pytestconfig.rootpath, "idle", settings=SETTINGS) as platform:
        person = Person(platform.url, "admin", platform.one_time_password())
        person.log_in()
        assert person.change_password(secrets.token_urlsafe(12)).ok
        yield Servers(platform, person)


def window_of(servers: Servers, browser: Browser, pictures: Path) -> Window:
    """A real browser in which the person has logged in."""
    window = Window(browser, servers.platform.url, pictures)
    window.open("/hub/login?next=/hub/token")
    window.page.get_by_label("Username").fill(servers.person.name)
    window.page.get_by_role("textbox", name="Password").fill(servers.person.password)
    window.page.get_by_role("button", name="Sign in").click()
    window.see(window.page.get_by_role("button", name="Logout"))
    return window


def marimo_tab(client: Client) -> tuple[WebSocket, str]:
    """A new notebook in an open tab: its socket, and the session's id."""
    probes.page(client, "/marimo/")
    session = f"s_{uuid.uuid4().hex[:6]}"
    socket = client.websocket(f"marimo/ws?session_id={session}&file=__new__{session}")
    while json.loads(received(socket, "kernel-ready of marimo"))["op"] != "kernel-ready":
        pass
    return socket, session


def run_in_marimo(client: Client, session: str, code: str) -> None:
    """Run a cell and do not wait for it."""
    token = re.search(r'serverToken"?:\s*"([^"]+)"', client.get("marimo/").text)
    headers = {"Marimo-Session-Id": session, "Marimo-Server-Token": token[1] if token else ""}
    for path, body in (
        ("instantiate", {"objectIds": [], "values": [], "autoRun": False}),
        ("run", {"cellIds": ["Hbol"], "codes": [code]}),
    ):
        answer = client.session.post(
            client.url(f"marimo/api/kernel/{path}"), json=body, headers=headers, timeout=PATIENCE
        )
        assert answer.ok, f"marimo {path}: {answer.status_code} {answer.text[:300]}"


@contextmanager
def nobody_is_stopped(platform: Platform) -> Iterator[None]:
    """The process that stops servers stands still, so that a page may take its time."""
    hub = platform.container("hub")

    def send(number: int) -> None:
        code, output = hub.exec_run(["python", "-c", TO_LIFETIMES, str(number)])
        assert (code, output.split()) == (0, [b"sent"]), output.decode()

    send(signal.SIGSTOP)
    try:
        yield
    finally:
        send(signal.SIGCONT)


def ask_for_more_time(servers: Servers, name: str) -> None:
    """Press the button on the hub's page."""
    page = servers.person.hub.get("home")
    form = BeautifulSoup(page.text, "html.parser").select_one(f'form[action$="/more-time/{name}"]')
    assert form, "the page has no button for more time"
    fields = {str(field["name"]): str(field["value"]) for field in form.select("input")}
    url = urljoin(page.url, str(form["action"]))
    assert servers.person.session.post(url, data=fields, timeout=PATIENCE).ok


def ask_until_the_cap(servers: Servers, name: str) -> None:
    """As scripts do; the first answer that is not 200 has to be the cap's."""
    path = f"api/lifetimes/{servers.person.name}/{name}"
    while (answer := servers.person.hub.post(path)).ok:
        assert answer.json()["seconds_left"] <= 600 + 20
    assert answer.status_code == 409, f"{answer.status_code} {answer.text[:300]}"


def test_idle_tabs_are_stopped_and_work_is_not(
    servers: Servers, browser: Browser, engine: Engine
) -> None:
    with ExitStack() as work:
        with nobody_is_stopped(servers.platform):
            kernel = work.enter_context(Kernel(servers.start("kernel", "uv-lab-small")))
            kernel.send("import time; time.sleep(3600)")

            lab = servers.start("terminal", "uv-lab-small")
            name = lab.post("api/terminals").json()["name"]
            terminal = work.enter_context(closing(lab.websocket(f"terminals/websocket/{name}")))
            terminal.send(json.dumps(["stdin", "sleep 3600\n"]))

            marimo = servers.start("busy-marimo", "uv-marimo-small")
            socket, session = marimo_tab(marimo)
            run_in_marimo(marimo, session, "import time; time.sleep(3600)")
            socket.close()

            servers.start("more", "uv-marimo-small")
            ask_for_more_time(servers, "more")
            ask_until_the_cap(servers, "more")

            idle_marimo, _ = marimo_tab(servers.start("idle-marimo", "uv-marimo-small"))
            work.enter_context(closing(idle_marimo))
            servers.start("idle-vscode", "uv-vscode-small")
            # VS Code in a real browser, so with all the frames an open tab sends by itself.
            window = window_of(servers, browser, engine.logs / "screenshots")
            window.open(f"/user/{servers.person.name}/idle-vscode/vscode/")

            # Pressing the button counts as being there, and the notice comes again.
            notice = window.page.get_by_role("alert").filter(has_text="Nobody used this server")
            window.see(notice, "server-stops-soon")
            window.page.get_by_role("button", name="I am still here").click()
            notice.wait_for(state="hidden")
            window.see(notice)
            assert "if nothing" in servers.person.hub.get("token").text
            for why in ("a cell of a notebook runs", "“sleep” runs in a terminal"):
                wait_until(partial(servers.home_says, why), why)

        def stopped() -> bool:
            return not servers.running() & {"idle-vscode", "idle-marimo"}

        wait_until(stopped, "the servers with idle tabs to be stopped")
        assert servers.running() == {"kernel", "terminal", "busy-marimo", "more"}
        who_ended_them_is_told(servers.platform)
        one_id_follows_a_start(servers.platform)


def audit_log(platform: Platform, what: str) -> list[dict[str, str]]:
    result = Operator(platform).invoke("audit-log", "--json", "--what", what)
    assert result.returncode == 0, result.stderr
    found: list[dict[str, str]] = json.loads(result.stdout)
    return found


def who_ended_them_is_told(platform: Platform) -> None:
    idle = ("idle-marimo", "idle-vscode")

    def told() -> bool:
        ended = {(one["who"], one["server"]) for one in audit_log(platform, "server.stopped")}
        return ended == {("service lifetimes", server) for server in idle}

    wait_until(told, "who ended the servers with idle tabs")


def one_id_follows_a_start(platform: Platform) -> None:
    """The log of each program on the way is JSON and has the id of the request."""
    (start,) = (
        one for one in audit_log(platform, "server.started") if one["server"] == "idle-vscode"
    )
    for service in ("proxy", "hub", "engine"):
        lines = platform.container(service).logs().decode().splitlines()
        requests = [json.loads(line).get("request") for line in lines if line.startswith("{")]
        assert start["request"] in requests, f"{service} does not say {start['request']}"
        assert len(requests) > len(lines) / 2, f"{service} writes something else: {lines[:5]}"
