"""The templates by themselves: what they show is escaped, and what they load is in the image.

How the pages look and behave is tested in a browser (`integration/test_accessibility.py`).
"""

import re
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader
from jupyterhub._data import DATA_FILES_PATH
from traitlets.config import Config

from hub_config import languages
from hub_config.branding import brand_of
from hub_config.settings import Settings
from hub_config.texts import Texts

from .hub_in_a_box import Box

PACKAGE = Path(__file__).parents[2] / "src" / "hub_config"
TEMPLATES = sorted((PACKAGE / "templates").glob("*.html"))
HUBS = FileSystemLoader(Path(DATA_FILES_PATH) / "templates")


def static_url(path: str, **_: Any) -> str:
    """As the image serves it: `platform/` is ours, `branding/` is written at start."""
    if path.startswith("platform/"):
        assert (PACKAGE / "static" / path.removeprefix("platform/")).is_file(), path
    return f"/static/{path}"


def loader() -> ChoiceLoader:
    ours = FileSystemLoader(PACKAGE / "templates")
    return ChoiceLoader([ours, PrefixLoader({"templates": HUBS}), HUBS])


def render(template: str, settings: Settings, **values: Any) -> str:
    environment = Environment(loader=loader(), autoescape=True, extensions=[Texts])
    values = {"base_url": "/hub/", "login_url": "/hub/login", "parsed_scopes": {}, **values}
    return environment.get_template(template).render(
        brand=brand_of(settings), static_url=static_url, **values
    )


def test_what_the_operator_writes_is_text() -> None:
    page = render(
        "error.html",
        Settings(brand_name="A & <b>B</b>", announcement="Down at 5 <script>alert(1)</script>"),
        status_code=404,
    )
    assert "A &amp; &lt;b&gt;B&lt;/b&gt;" in page
    assert "Down at 5 &lt;script&gt;" in page
    assert "<script>alert" not in page


@pytest.mark.parametrize(
    ("status", "message", "told"),
    [
        (400, "That name is taken.", ["That name is taken."]),
        (403, "Action needs scopes", ["You may not do this", "ask an administrator"]),
        (
            403,
            "XSRF cookie does not match POST argument",
            ["form has expired", "load its page again"],
        ),
        (403, "'_xsrf' argument missing from POST", ["This form has expired"]),
        (404, "", ["There is no such page"]),
        (418, "", ["That did not work"]),
        (500, "It <broke>", ["It &lt;broke&gt;", "Try again"]),
        (503, "", ["Your server does not answer", "Look at your servers"]),
        (599, "", ["Something broke on our side"]),
    ],
)
def test_an_error_says_what_to_do(status: int, message: str, told: list[str]) -> None:
    page = render(
        "error.html", Settings(help_url="mailto:help@example.org"), status_code=status,
        message=message,
    )  # fmt: skip
    for words in (*told, "mailto:help@example.org", f"Error {status}"):
        assert words in page
    assert "xsrf" not in page.partition("<main")[2].lower()


def test_a_page_the_proxy_asks_for_without_cookies_suits_everybody() -> None:
    page = render("error.html", Settings(), status_code=503, message="")
    assert 'href="/hub/home">Your servers<' in page
    assert "Sign in" not in page
    assert "login" not in page.partition("<main")[0].partition("<body")[2]


def test_who_is_not_signed_in_is_not_sent_to_servers() -> None:
    for status in (404, 405):
        page = render("error.html", Settings(), status_code=status, message="")
        assert "ign in and begin again" in page
        assert "our servers" not in page
        assert 'href="/hub/login">Sign in<' in page


def test_whoever_is_signed_in_sees_that_on_errors_too() -> None:
    user = SimpleNamespace(name="ann", json_escaped_name="ann", spawner=SimpleNamespace())
    for status in (403, 404, 500, 503):
        page = render("error.html", Settings(), status_code=status, user=user, logout_url="/out")
        header = page.partition("<main")[0]
        assert '<span class="me-1">ann</span>' in header
        assert 'href="/out"' in header


def test_jupyterhubs_own_page_of_tokens_has_times_as_all_pages_have() -> None:
    """Its script finds none to make English of: it looks for the class `time-col`."""
    at = datetime(2026, 11, 30, 8, 5, tzinfo=UTC).replace(tzinfo=None)
    token = {"api_id": 1, "note": "Server at /user/ann/", "scopes": [], "created": at}
    client = {"token_id": 1, "description": "Server at /user/ann/", "tokens": [], "created": at}
    before = languages.current.set("de")
    try:
        shown = {"api_tokens": [token], "oauth_clients": [client]}
        page = render("token.html", Settings(), token_expires_in_options_html="", **shown)
    finally:
        languages.current.reset(before)
    assert page.count('<time datetime="2026-11-30T08:05:00Z" data-ago>30.11.2026 08:05 UTC') == 2
    assert page.count("Server unter /user/ann/") == 2
    assert "time-col" not in page


def test_a_failure_can_be_told_where_the_operator_permits_it() -> None:
    def page(wrong: Any = None, **told: Any) -> str:
        form = {"values": {}, "wrong": wrong or {}}
        return render("runs.html", Settings(), form=form, **told)

    assert 'name="tell"' not in page(told_by="")
    assert "autofocus" not in page(), "it would jump over the list"
    assert 'name="tell"' in page(told_by="An e-mail address; empty: nobody.")
    assert 'name="tell"' in page({"tell": "No mail."}, told_by="")
    assert "No kernel there." in page({"profile": "No kernel there."})


def test_each_page_is_called_what_its_heading_says() -> None:
    """Tabs and screen readers go by it."""
    languages.current.set("de")
    try:
        page = render("logout.html", Settings(brand_name="A&B"))
    finally:
        languages.current.set(languages.ENGLISH)
    assert re.findall(r"<title>\s*(.*?)\s*</title>", page) == [
        "Sie sind abgemeldet &ndash; A&amp;B"
    ]
    environment = Environment(loader=loader(), autoescape=True, extensions=[Texts])
    for template in TEMPLATES:
        found = [template.name, f"templates/{template.name}"]
        if template.read_text().startswith("{% extends") and template.name != "page.html":
            found = found[: 1 + ('extends "templates/' in template.read_text())]
            assert any("title" in environment.get_template(one).blocks for one in found), found


def test_an_application_at_the_hubs_own_address_says_what_that_means() -> None:
    for at_our_address in (True, False):
        given = {"form": {"values": {}, "wrong": {}}, "audiences": {}}
        given["at_our_address"] = at_our_address
        page = render("apps.html", Settings(), **given)
        assert ("open only those of people whom you trust" in page) is at_our_address
        assert "JHUB_SUBDOMAIN_HOST" not in page
        page = render("apps.html", Settings(), **given, parsed_scopes={"admin-ui": {}})
        assert ("JHUB_SUBDOMAIN_HOST" in page) is at_our_address


def card(titles: Any = {"uv-lab-small": "JupyterLab, small"}.get, **server: Any) -> str:
    environment = Environment(
        loader=FileSystemLoader(PACKAGE / "templates"),
        autoescape=True,
        extensions=[Texts],
        enable_async=True,  # as JupyterHub's own
    ).from_string(
        '{% import "server-card.html" as s with context %}{{ s.show(it, "Work", "work") }}'
    )
    user = SimpleNamespace(escaped_name="ann", server_url=lambda name: f"/user/ann/{name}/")
    it = SimpleNamespace(**{"user_options": {"profile": "uv-lab-small"}, **server})
    return environment.render(it=it, user=user, base_url="/hub/", profile_name=titles)


def test_a_hub_that_began_anew_knows_what_people_call_profiles(
    new_box: Box, applied: Config
) -> None:
    """Before anybody has opened the form."""
    titles = applied.JupyterHub.template_vars["profile_name"]
    shown = card(titles(new_box.person("ann")), active=False, ready=False)
    assert "uv-lab, small, " in shown
    assert titles(None)("uv-lab-small") == "uv-lab-small"


def test_a_stopped_server_says_why_and_can_be_started_or_deleted() -> None:
    shown = card(active=False, ready=False, last_end="It ran out of memory <2 GB>.")
    assert "Stopped" in shown
    assert "It ran out of memory &lt;2 GB&gt;." in shown
    assert 'href="/hub/spawn/ann/work"' in shown
    assert 'data-delete="work"' in shown
    assert "data-stop" not in shown


def test_a_running_server_can_be_opened_and_stopped() -> None:
    shown = card(active=True, ready=True, pending=None, last_end="Long ago.")
    assert "Running" in shown
    assert "JupyterLab, small" in shown
    assert 'href="/user/ann/work/"' in shown
    assert 'data-stop="work"' in shown
    assert "Long ago." not in shown


@pytest.mark.parametrize(
    ("state", "word"),
    [
        ({"active": True, "ready": False, "pending": "spawn"}, "Starting"),
        ({"active": True, "ready": True, "pending": "stop"}, "Stopping"),
    ],
)
def test_a_server_on_its_way_says_so(state: dict[str, Any], word: str) -> None:
    assert word in card(**state)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_nothing_comes_from_elsewhere(template: Path) -> None:
    text = template.read_text()
    assert not re.findall(r"""(?:src|href)=["'](?:https?:)?//""", text)
    for path in re.findall(r"static_url\(.(platform/[^'\"]+)", text):
        static_url(path)
