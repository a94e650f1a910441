"""What the single-user images change in answers; what streams is tested with servers."""

from jhub_proxy import dash_pages

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
