"""What the single-user images change in answers; what streams is tested with servers."""

import pytest

from jhub_proxy import dash_pages, passed_on

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
