"""What the single-user images change in answers; what streams is tested with servers."""

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from jhub_proxy import clusters, dash_pages, passed_on

DASH = rb"""<head><link rel="icon" href="/_favicon.ico?v=4"><link href="/assets/a.css"></head>
<script id="_dash-config" type="application/json">{"url_base_pathname":null,
"requests_pathname_prefix":"\u002f","ui":false}</script>
<script src="/_dash-component-suites/dash/deps/react.js"></script><a href="/elsewhere">x</a>"""


def test_a_page_of_dash_finds_what_is_behind_the_proxy() -> None:
    page = dash_pages.relocated(DASH, "/user/ann/proxy/8050/")
    for right in (
        b'"requests_pathname_prefix":"/user/ann/proxy/8050/"',
        b'src="/user/ann/proxy/8050/_dash-component-suites/dash/deps/react.js"',
        b'href="/user/ann/proxy/8050/assets/a.css"',
        b'href="/elsewhere"',
    ):
        assert right in page
    told = DASH.replace(rb'"\u002f"', b'"/user/ann/proxy/8050/"')
    assert dash_pages.relocated(told, "/user/ann/proxy/8050/") == told


def test_other_pages_stay_as_they_are() -> None:
    page = b'<link href="/assets/a.css">'
    assert dash_pages.relocated(page, "/user/ann/proxy/8050/") == page


@pytest.mark.parametrize("sent", ['filename="\u017c.csv"'.encode(), b"\xe9", b"plain"])
def test_a_header_reaches_the_page_as_the_same_bytes(sent: bytes) -> None:
    """Tornado cannot write a name that is not Latin-1, and the download would be an error."""
    read_by_aiohttp = sent.decode("utf-8", "surrogateescape")
    assert passed_on.to_page(read_by_aiohttp).encode("latin-1") == sent


def test_a_header_reaches_the_application_as_the_same_bytes() -> None:
    read_by_tornado = "\u017c".encode().decode("latin-1")
    assert passed_on.to_application(read_by_tornado).encode() == "\u017c".encode()
    assert passed_on.to_application("\xe9") == "\xe9"


@pytest.mark.parametrize("code", [1000, 1001, 1003, 1011, 3000, 4001])
def test_why_a_socket_was_closed_is_passed_on(code: int) -> None:
    """marimo's page tells by the reason that the notebook is open elsewhere."""
    assert passed_on.ending(code, "MARIMO_ALREADY_CONNECTED") == (code, "MARIMO_ALREADY_CONNECTED")


@pytest.mark.parametrize("code", [None, 0, 1005, 1006, 1015, 5000])
def test_what_is_never_sent_is_not_passed_on(code: int | None) -> None:
    assert passed_on.ending(code, "why") == (None, None)


OWN, ANOTHERS = 32 * "a", 32 * "b"


class Gateway(BaseHTTPRequestHandler):
    """It tells a person about one cluster."""

    def do_GET(self) -> None:
        known = self.headers["Authorization"] == "jupyterhub of-ann"
        self.send_response(200 if known and self.path == f"/api/v1/clusters/{OWN}" else 403)
        self.end_headers()


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Gateway) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"127.0.0.1:{server.server_port}"
        monkeypatch.setattr(clusters, "HOST", "127.0.0.1")
        monkeypatch.setattr(clusters, "_own", set())
        monkeypatch.setenv("DASK_GATEWAY__ADDRESS", f"http://{address}")
        monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "of-ann")
        yield address
        server.shutdown()


@pytest.mark.parametrize(
    ("page", "shown"),
    [
        (f"/clusters/{OWN}/status", True),
        (f"/clusters/{OWN}", True),
        (f"/clusters/{OWN}/status?theme=dark#top", True),
        (f"/clusters/{ANOTHERS}/status", False),
        (f"/clusters/{OWN}/../{ANOTHERS}/status", False),
        (f"/clusters/{OWN}/%2e%2e/{ANOTHERS}/status", False),
        (f"//clusters/{OWN}/status", False),
        (f"/%63lusters/{ANOTHERS}/status", False),
        ("/api/v1/clusters/", False),
        ("/", False),
    ],
)
def test_of_dasks_gateway_ones_own_clusters_pages_are_shown(
    gateway: str, page: str, shown: bool
) -> None:
    """Another's would be that person's scripts, in the midst of one's own server."""
    for protocol in ("http", "ws"):
        assert asyncio.run(clusters.permits(f"{protocol}://{gateway}{page}")) is shown


def test_without_a_gateway_nothing_of_that_name_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DASK_GATEWAY__ADDRESS", raising=False)
    assert not asyncio.run(clusters.permits(f"http://dask-gateway:8000/clusters/{OWN}/"))
    assert asyncio.run(clusters.permits("http://localhost:8050/clusters/"))
