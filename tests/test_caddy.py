"""The platform's Caddy: the real one with the real configuration, before a small peer."""

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme

from jhub_docker.catalog import load
from jhub_testing import front
from jhub_testing.front import Caddy, Peer
from jhub_testing.waiting import PATIENCE, wait_until

ROOT = Path(__file__).parents[1]
AUTHORITY = trustme.CA()
FORGED = {"X-Forwarded-For": "192.0.2.1", "X-Real-IP": "192.0.2.1", "X-Forwarded-Proto": "http"}


def put_certificate(caddy: Caddy) -> None:
    """A new certificate and key, as an operator puts them there."""
    made = AUTHORITY.issue_cert(caddy.name)
    made.private_key_pem.write_to_path(str(caddy.tls / "privkey.pem"))
    chain = b"".join(one.bytes() for one in made.cert_chain_pems)
    (caddy.tls / "fullchain.pem").write_bytes(chain)


@pytest.fixture(scope="module")
def context() -> ssl.SSLContext:
    made = ssl.create_default_context()
    AUTHORITY.configure_trust(made)
    return made


@pytest.fixture(scope="module")
def peer() -> Iterator[Peer]:
    with front.peer() as one:
        yield one


@pytest.fixture(scope="module")
def caddy(
    peer: Peer, context: ssl.SSLContext, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Caddy]:
    """With a certificate of one's own, and HSTS."""
    made = Caddy(ROOT, tmp_path_factory.mktemp("caddy"), peer.server_port, JHUB_HSTS="31536000")
    put_certificate(made)
    with made.running():
        made.wait_until_open(context)
        yield made


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> requests.Session:
    bundle = tmp_path_factory.mktemp("ca") / "ca.pem"
    AUTHORITY.cert_pem.write_to_path(str(bundle))
    made = requests.Session()
    made.trust_env, made.verify = False, str(bundle)
    return made


def seen(session: requests.Session, caddy: Caddy, **headers: str) -> dict[str, Any]:
    """The headers that come through."""
    answer = session.get(f"https://localhost:{caddy.port}/", headers=headers, timeout=PATIENCE)
    found: dict[str, Any] = answer.json()
    return found


def test_plain_http_leads_to_https_on_its_port(caddy: Caddy, session: requests.Session) -> None:
    answer = session.get(
        f"http://localhost:{caddy.http_port}/hub/login?next=x",
        timeout=PATIENCE,
        allow_redirects=False,
    )
    assert answer.status_code == 308
    assert answer.headers["Location"] == f"https://localhost:{caddy.port}/hub/login?next=x"


def test_what_a_visitor_says_about_itself_is_replaced(
    caddy: Caddy, session: requests.Session
) -> None:
    found = seen(session, caddy, **FORGED)
    assert found["x-forwarded-for"] == found["x-real-ip"] == "127.0.0.1"
    assert found["x-forwarded-proto"] == "https"
    assert found["host"] == f"localhost:{caddy.port}"


def test_every_cookie_is_for_https_alone(caddy: Caddy, session: requests.Session) -> None:
    session.get(f"https://localhost:{caddy.port}/", timeout=PATIENCE)
    assert {cookie.name: cookie.secure for cookie in session.cookies} == {"one": True, "two": True}


def test_http_2_is_spoken_and_nothing_that_is_not_published_is_offered(
    caddy: Caddy, context: ssl.SSLContext, session: requests.Session
) -> None:
    offering = ssl.create_default_context()
    AUTHORITY.configure_trust(offering)
    offering.set_alpn_protocols(["h2", "http/1.1"])
    with caddy.connect(offering) as secure:
        assert secure.selected_alpn_protocol() == "h2"
    answer = session.get(f"https://localhost:{caddy.port}/", timeout=PATIENCE)
    assert "Alt-Svc" not in answer.headers, "HTTP/3 goes over UDP"
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"


def test_an_upload_goes_through_as_it_comes_whatever_its_size(
    caddy: Caddy, peer: Peer, context: ssl.SSLContext
) -> None:
    with caddy.connect(context) as secure:
        head = ["PUT /up HTTP/1.1", f"Host: localhost:{caddy.port}", f"Content-Length: {10**12}"]
        secure.sendall("\r\n".join([*head, "", ""]).encode())
        before = peer.arrived
        for part in (1, 2, 3):
            secure.sendall(bytes(1_000_000))
            peer.wait_for(before + part * 1_000_000)


def test_a_renewed_certificate_is_taken_up_and_ends_no_websocket(
    caddy: Caddy, context: ssl.SSLContext
) -> None:
    opened = front.echo(f"wss://localhost:{caddy.port}/", context)
    before = caddy.serial(context)
    put_certificate(caddy)
    wait_until(lambda: caddy.serial(context) != before, "the new certificate")
    assert front.says_again(opened)
    (caddy.tls / "fullchain.pem").write_text("no certificate")
    log = caddy.folder / "log"
    wait_until(
        lambda: "the new files of JHUB_TLS_FILES cannot be used" in log.read_text(),
        "a word about files that are no use",
    )
    assert caddy.serial(context) != before, "the last good certificate stays"
    assert front.says_again(opened)
    opened.close()


def test_an_own_ca_trusted_proxies_and_no_hsts(peer: Peer, tmp_path: Path) -> None:
    made = Caddy(
        ROOT,
        tmp_path,
        peer.server_port,
        JHUB_TLS="internal",
        JHUB_TRUSTED_PROXIES="10.0.0.1, 127.0.0.0/8",
        SITES="localhost, *.hub.localhost",
    )
    root = tmp_path / "data/caddy/pki/authorities/local/root.crt"
    with made.running():
        wait_until(root.is_file, "Caddy's own CA")
        trusting = ssl.create_default_context(cafile=str(root))
        made.wait_until_open(trusting)
        made.name = "ann.hub.localhost"
        made.wait_until_open(trusting)
        with requests.Session() as session:
            session.trust_env, session.verify = False, str(root)
            answer = session.get(
                f"https://localhost:{made.port}/", headers=FORGED, timeout=PATIENCE
            )
    assert answer.json()["x-forwarded-for"] == "192.0.2.1, 127.0.0.1"
    assert "Strict-Transport-Security" not in answer.headers


def test_files_that_are_missing_are_told(tmp_path: Path) -> None:
    with Caddy(ROOT, tmp_path, 1).running():
        told = "there is no fullchain.pem that root can read in JHUB_TLS_FILES"
        log = tmp_path / "log"
        wait_until(lambda: told in log.read_text(), "a word about the files")


def test_compose_names_the_public_image_that_the_package_does() -> None:
    public = load(ROOT / "packages")["caddy"].public
    compose = (ROOT / "compose.yaml").read_text("utf-8")
    assert {f"JHUB_TLS_IMAGE:-{one}" in compose for one in public.values()} == {True}
