"""The proxy's image as it stands; routes and restarts are the business of `integration/`."""

import json
import socketserver
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import requests
from docker.models.containers import Container
from testcontainers.core.container import DockerContainer

from jhub_testing.subject import Subject
from jhub_testing.waiting import ASK_AGAIN, PATIENCE, wait_until


def programs(container: Container, text: str) -> list[str]:
    """The command lines in the container that contain `text`."""
    lines = [row[-1] for row in container.top(ps_args="-o pid,args")["Processes"]]
    return [line for line in lines if text in line]


@contextmanager
def syslog() -> Iterator[tuple[str, list[str]]]:
    """A syslog server, and what it was sent."""
    came: list[str] = []

    class Receiver(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            came.extend(line.decode(errors="replace") for line in self.rfile)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Receiver) as server:
        server.daemon_threads = True
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"tcp://127.0.0.1:{server.server_address[1]}", came
        server.shutdown()


def test_it_waits_for_the_token_and_then_answers(subject: Subject) -> None:
    """Its log goes to a syslog server meanwhile, as docs/audit.md says, and as JSON."""
    with syslog() as (address, came):
        waits_and_answers(subject, address, came)


def waits_and_answers(subject: Subject, address: str, came: list[str]) -> None:
    engine = subject.engine
    container = DockerContainer(subject.reference).with_name(engine.name("proxy"))
    container.with_env("JHUB_LOG_FORMAT", "json")
    container.with_exposed_ports(8000).with_kwargs(
        labels=engine.labels,
        cap_drop=["ALL"],
        init=True,
        extra_hosts={"proxy-api": "127.0.0.1"},
        log_config={"type": "syslog", "config": {"syslog-address": address}},
    )
    container.start()
    wrapped = container.get_wrapped_container()
    engine.watch(wrapped)
    try:
        url = f"http://127.0.0.1:{container.get_exposed_port(8000)}/_chp_healthz"
        write = ["sh", "-c", "umask 077; echo 0123456789abcdef >/srv/proxy/token"]
        assert not programs(wrapped, "configurable-http-proxy"), "it did not wait"
        assert wrapped.exec_run(write).exit_code == 0

        def answers() -> bool:
            return bool(requests.get(url, timeout=ASK_AGAIN).json() == {"status": "OK"})

        wait_until(answers, "the proxy", ignoring=requests.RequestException)
        without_a_hub_people_read_a_sentence(url.replace("_chp_healthz", "hub/home"))
        given = {"X-Request-ID": "traced-12345678"}
        answer = requests.get(f"{url}?token=hush", headers=given, timeout=PATIENCE)
        assert answer.headers["Keep-Alive"] == "timeout=620", "less than some reverse proxies' own"

        def logged() -> bool:
            lines = [json.loads(line[line.index("{") :]) for line in came if "{" in line]
            return any(one.get("request") == "traced-12345678" for one in lines)

        wait_until(logged, "the line of that request at the syslog server")
        away = [line for line in came if "hub-internal" in line]
        assert 1 <= len(away) < 3, "a hub that is away is told with every request"
        assert "    at " not in "".join(away), "a stack"
        assert not [line for line in came if "hush" in line], "a query may hold a token"
        assert wrapped.exec_run(["healthcheck-proxy"]).exit_code == 0
        the_hub_hears_in_which_language_its_errors_are_read(wrapped, url)
        assert programs(wrapped, "configurable-http-proxy")
        assert not programs(wrapped, "0123456789abcdef"), "the token is in an argument"
        ask = (
            "import http.client, sys; c = http.client.HTTPConnection('proxy-api', 8001);"
            "c.request('GET', '/api/routes', headers={'Authorization': 'token ' + sys.argv[1]});"
            "print(c.getresponse().status)"
        )

        def status(token: str) -> int:
            said = wrapped.exec_run(["python3", "-c", ask, token]).output
            return int(said)

        tokens = ["0123456789abcdef", "fedcba9876543210"]
        assert [status(one) for one in tokens] == [200, 403]
        renew = (
            "umask 077; echo fedcba9876543210 >/srv/proxy/new; mv /srv/proxy/new /srv/proxy/token"
        )
        assert wrapped.exec_run(["sh", "-c", renew]).exit_code == 0
        assert [status(one) for one in tokens] == [403, 200], "a new token needs a new proxy"
        assert wrapped.exec_run(["sh", "-c", ": >/srv/proxy/token"]).exit_code == 0
        assert [status(one) for one in (*tokens, "")] == [403, 200, 403], "an empty file opens it"
        options = "cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n' | grep -m1 ^NODE_OPTIONS="
        given = wrapped.exec_run(["sh", "-c", options]).output.decode().strip()
        assert given.startswith("NODE_OPTIONS=--require="), given
        ask = "import http from 'node:http'; console.log(http.createServer({}).requestTimeout)"
        node = f'env "{given}" node --input-type=module --eval "{ask}"'
        hours = int(wrapped.exec_run(["sh", "-c", node]).output) / 3_600_000
        assert hours >= 1, "an upload on a slow line would be cut off"
    finally:
        engine.remove(wrapped)
        container.get_docker_client().client.close()


HUB = """
import http.server
class Hub(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"{self.path} {self.headers['Accept-Language']}".encode())
http.server.HTTPServer(("127.0.0.1", 8081), Hub).serve_forever()
"""


def the_hub_hears_in_which_language_its_errors_are_read(container: Container, health: str) -> None:
    add = (
        "import http.client; c = http.client.HTTPConnection('proxy-api', 8001);"
        "c.request('POST', '/api/routes/user/ann', body='{\"target\": \"http://127.0.0.1:9\"}',"
        "headers={'Authorization': 'token 0123456789abcdef'}); print(c.getresponse().status)"
    )
    assert container.exec_run(["python3", "-c", add]).output == b"201\n"
    named = ["sh", "-c", "echo 127.0.0.1 hub-internal >>/etc/hosts"]
    assert container.exec_run(named, user="root").exit_code == 0
    container.exec_run(["python3", "-c", HUB], detach=True)
    url, asks = health.replace("_chp_healthz", "user/ann/lab"), {"Accept-Language": "de-AT"}

    def read() -> str:
        return requests.get(url, headers=asks, timeout=ASK_AGAIN).text

    wait_until(lambda: read() == "/hub/error/503?url=%2Fuser%2Fann%2Flab de-AT", "the hub's page")


def without_a_hub_people_read_a_sentence(url: str) -> None:
    """A page that asks again by itself; a form is not sent twice; programs get JSON."""
    for method, again in (("GET", True), ("POST", False)):
        page = requests.request(method, url, headers={"Accept": "text/html,*/*"}, timeout=PATIENCE)
        assert (page.status_code, page.headers["Content-Type"]) == (503, "text/html; charset=utf-8")
        assert "Try again in a minute" in page.text
        assert ('http-equiv="refresh"' in page.text) is again
    german = {"Accept": "text/html", "Accept-Language": "fr-DE, de-AT;q=0.9, en;q=0.8"}
    page = requests.get(url, headers=german, timeout=PATIENCE)
    assert '<html lang="de">' in page.text
    assert "Versuchen Sie es in einer Minute noch einmal" in page.text
    assert requests.get(f"{url}/%ff", timeout=PATIENCE).status_code == 400, "no fault of ours"
    told = requests.get(url, timeout=PATIENCE)
    assert (told.status_code, "Try again in a minute" in told.json()["message"]) == (503, True)


def test_the_health_check_notices_that_nothing_answers(subject: Subject) -> None:
    code = "healthcheck-proxy && echo healthy || echo not"
    told = subject.engine.run(subject.reference, ["sh", "-c", code], entrypoint="")
    assert told.split()[-1] == "not"


def test_it_is_not_root_and_nobody_can_change_it(subject: Subject) -> None:
    assert subject.config["User"] == "jupyterhub"
    find = ["sh", "-c", "find /usr/local/bin /opt ! -type l -perm /0022 -print"]
    assert subject.engine.run(subject.reference, find, entrypoint="") == ""


def test_no_secret_cache_or_host_ca_in_any_layer(subject: Subject) -> None:
    assert subject.findings.secrets == []
    assert subject.findings.machine_ca == []
    assert subject.findings.caches == []
