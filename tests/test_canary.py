"""Somebody made up who tries an upgrade out: which pages are asked for where, and what is said."""

import io
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from jhub_docker.errors import ActionError
from jhub_docker.platform import browsing, canary, compose
from jhub_docker.process import Ended

FORM = """
<form action="/team/hub/spawn?_xsrf=1" method="post">
<input type="radio" name="profile" value="lab-tiny" required disabled>
<input type="radio" name="profile" value="lab-small" required>
<input type="radio" name="profile" value="lab-large" required checked>
<input type="hidden" name="other" value="x">
"""
DOMAIN = "hub.example.org:8443"
OWN = f"canary-1.{DOMAIN}"


def test_the_canary_takes_the_first_that_there_is_room_for() -> None:
    assert browsing.first_free(FORM) == "lab-small"
    assert browsing.first_free(FORM.replace(" required", " disabled")) == ""


class Hub(BaseHTTPRequestHandler):
    """The proxy as it is behind TLS, with a hub and a person's server on a domain of its own."""

    asked: list[tuple[str, str, str]]
    starts: bool

    def answer(self, text: str = "", status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(text)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(text.encode())

    def handle_one(self, given: dict[str, list[str]]) -> None:
        path, host = urlsplit(self.path).path, self.headers["Host"]
        self.asked.append((self.headers["X-Forwarded-Proto"], host, path))
        who = "in=1" in (self.headers["Cookie"] or "")
        match self.command, host, path:
            case "GET", _, "/team/hub/login":
                self.answer('<input name="_xsrf" value="abc">')
            case "POST", _, "/team/hub/login" if given["_xsrf"] == ["abc"]:
                secret = given["password"] == ["pass"]
                cookies = {"Set_Cookie": "in=1; Secure; HttpOnly"} if secret else {}
                place = "home" if secret else "login"
                self.answer(status=302, Location=f"/team/hub/{place}", **cookies)
            case "GET", _, "/team/hub/spawn" if who:
                self.answer(FORM)
            case "POST", _, "/team/hub/spawn" if who and given["profile"] == ["lab-small"]:
                self.answer(status=200 if self.starts else 500)
            case "GET", _, "/team/hub/home" if who:
                self.answer("home")
            case "GET", str(at), _ if path.startswith("/team/user/canary-1/"):
                if at != OWN:  # what the hub does with a domain for each person
                    self.answer(status=302, Location=f"https://{OWN}{path}")
                elif path.endswith("/api") and len(self.asked) < 12:
                    self.answer("<html>version: not yet")
                else:
                    self.answer(json.dumps({"version": "2"}))
            case _:
                self.answer("no such page", 404)

    def do_GET(self) -> None:
        self.handle_one({})

    def do_POST(self) -> None:
        self.handle_one(parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode()))

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Hub]]:
    class Own(Hub):
        asked, starts = [], True

    with ThreadingHTTPServer(("127.0.0.1", 0), Own) as server:
        Thread(target=server.serve_forever).start()
        monkeypatch.setattr(browsing, "PROXY", f"http://127.0.0.1:{server.server_port}")
        yield Own
        server.shutdown()


def browse(monkeypatch: pytest.MonkeyPatch, what: str, **given: Any) -> None:
    told = {"address": f"https://{DOMAIN}/team/", "name": "canary-1", "password": "pass", **given}
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(told)))
    browsing.main([what])


def test_behind_tls_it_goes_by_the_names_of_the_outside_and_needs_no_certificate(
    hub: type[Hub], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    browse(monkeypatch, "start", code="")
    seen = json.loads(capsys.readouterr().out)["seen"]
    assert seen.startswith("canary-1 logged in, and lab-small showed its page after")
    assert {scheme for scheme, _, _ in hub.asked} == {"https"}
    assert {host for _, host, _ in hub.asked} == {DOMAIN, OWN}


def test_a_log_in_alone_tells_where_one_comes_to(
    hub: type[Hub], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    browse(monkeypatch, "log-in")
    told = json.loads(capsys.readouterr().out)
    assert told == {"status": 200, "url": f"https://{DOMAIN}/team/hub/home"}


def test_where_accounts_are_another_services_a_cookie_stands_for_the_log_in(
    hub: type[Hub], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    browse(monkeypatch, "start", cookie="in", value="1")
    seen = json.loads(capsys.readouterr().out)["seen"]
    assert seen.startswith("canary-1 was taken for somebody who logged in, and lab-small showed")
    assert not [path for _, _, path in hub.asked if path.endswith("/login")]
    with pytest.raises(SystemExit, match="cannot log in: 404 at"):
        browse(monkeypatch, "start", cookie="in", value="0")


def test_what_fails_is_a_sentence(hub: type[Hub], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit, match=r"cannot log in: 200 at https://hub\.example\.org"):
        browse(monkeypatch, "start", code="", password="wrong")
    hub.starts = False
    with pytest.raises(SystemExit, match="a server of lab-small does not start"):
        browse(monkeypatch, "start", code="")
    monkeypatch.setattr(browsing, "PROXY", "http://127.0.0.1:1")
    with pytest.raises(SystemExit, match="canary-1 gets no answer"):
        browse(monkeypatch, "start", code="")


@dataclass(frozen=True)
class Told(compose.Platform):
    """A platform whose hub answers what is told here; it keeps what it was asked."""

    answers: dict[str, Ended] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def compose(self, *arguments: str, **options: Any) -> Ended:
        self.asked.append((arguments[-1] if "-c" in arguments else arguments[-2], options))
        return self.answers.get(self.asked[-1][0], Ended(0))


class Nothing:
    """An engine with nothing in it."""

    api: "Nothing"

    def __init__(self) -> None:
        self.api = self

    def containers(self, **_: object) -> list[Any]:
        return []

    networks = images = containers

    def volumes(self, **_: object) -> dict[str, Any]:
        return {"Volumes": None}


def told(**answers: Ended) -> Told:
    return Told(
        root=Path(),
        project="p",
        port=443,
        bind="",
        services=("hub", "proxy", "tls"),
        images={},
        hub_environment={"JHUB_DOMAIN": "hub.example.org"},
        volumes={},
        networks={},
        answers={"begin": Ended(0, b'{"password": "secret", "code": "c"}'), **answers},
    )


@pytest.fixture(autouse=True)
def nothing(pretend: Any) -> None:
    pretend(Nothing())


def test_it_is_sent_where_the_platform_has_a_domain(monkeypatch: pytest.MonkeyPatch) -> None:
    platform = told(start=Ended(0, b'{"seen": "all of it"}'))
    assert canary.tried(platform) == "all of it"
    assert [what for what, _ in platform.asked] == ["end", "begin", "start", "end"]
    given = json.loads(platform.asked[2][1]["given"])
    assert (given["address"], given["password"]) == ("https://hub.example.org/", "secret")


def test_what_it_met_is_said_once_it_is_gone() -> None:
    wrong = Ended(1, err="a server of lab-small does not start")
    platform = told(start=wrong, **{"200": Ended(0, b"\x1b[2Kno server in this release\n")})
    said = "lab-small does not start; the hub said last:\nno server in this release"
    with pytest.raises(ActionError, match=said):
        canary.tried(platform)
    asked = [what for what, _ in platform.asked]
    assert asked == ["end", "begin", "start", "200", "end"], "not what it says of the removal"


def test_a_person_of_its_name_stays_and_no_upgrade_fails_for_it() -> None:
    platform = told(end=Ended(2, err="There is a person called canary-1, who is no canary.\n"))
    assert "a person is called canary-" in canary.tried(platform)
    assert [what for what, _ in platform.asked] == ["end"]


@pytest.mark.parametrize(
    ("log", "said"),
    [
        (
            "[I 08:30 App] 200 GET /hub/home\n[E 08:31 App] Unhandled error: no disk\n"
            '    Traceback (most recent call last):\n{\n  "Host": "x"\n}\n[E 08:31 App] 500 POST',
            ["[E 08:31 App] Unhandled error: no disk", "[E 08:31 App] 500 POST"],
        ),
        ('{"level": "INFO"}\n{"time": "x", "level": "ERROR"}', ['{"time": "x", "level": "ERROR"}']),
        ("one\ntwo\n", ["one", "two"]),
    ],
    ids=["text", "json", "no errors"],
)
def test_of_a_log_the_errors_are_told(log: str, said: list[str]) -> None:
    """A failed request is told with its headers, which are longer than ten lines."""
    assert canary.telling(log) == said
