"""An address gets so many accounts an hour, whatever it claims to be; a killed hub remembers."""

import re
from collections.abc import Iterator

import pytest
from bs4 import BeautifulSoup, Tag
from playwright.sync_api import Browser

from jhub_testing.accessibility import judge
from jhub_testing.browser import Window
from jhub_testing.person import Person
from jhub_testing.platforms import Platform
from jhub_testing.resources import Engine

ALLOWED = 3

CONTACT = {"full_name": "Ann Example", "email": "ann@example.org"}
"""What this platform asks of people who sign up."""


@pytest.fixture(scope="module")
def platform(engine: Engine, pytestconfig: pytest.Config) -> Iterator[Platform]:
    settings = {"JHUB_SIGNUPS_PER_ADDRESS": str(ALLOWED), "JHUB_SIGNUP_CONTACT": "true"}
    with Platform(engine, pytestconfig.rootpath, "signups", settings=settings) as platform:
        yield platform


def test_an_address_waits_after_so_many_accounts_across_a_kill(platform: Platform) -> None:
    mistaken = Person(platform.url, "mistaken", "short")
    assert mistaken.sign_up().status_code == 400, "a typo costs no account"
    for number in range(ALLOWED):
        stranger = Person(platform.url, f"stranger{number}")
        # Addresses that a visitor claims to have do not count; the proxy's does.
        claimed = f"198.51.100.{number}"
        stranger.session.headers.update({"X-Forwarded-For": claimed, "X-Real-IP": claimed})
        assert "has to approve" in stranger.sign_up(**CONTACT).text

    refuses(platform)
    platform.container("hub").kill()
    platform.container("hub").start()
    platform.wait_until_open()
    refuses(platform)


def test_the_form_that_asks_for_more_is_for_everybody(
    platform: Platform, browser: Browser, engine: Engine
) -> None:
    window = Window(browser, platform.url, engine.logs / "screenshots")
    window.open("/hub/signup")
    window.see(window.page.get_by_label("E-mail"))
    assert judge(window, "sign-up-contact") == []
    window.close()


def test_an_admin_reads_who_asks_when_and_from_where(platform: Platform) -> None:
    admin = Person(platform.url, "admin", platform.one_time_password())
    admin.log_in()
    assert admin.change_password("correct horse 9").ok
    row = BeautifulSoup(admin.hub.get("authorize").text, "html.parser").find("tr", id="stranger0")
    assert isinstance(row, Tag)
    told = row.get_text(" ", strip=True)
    assert "Ann Example ann@example.org" in told
    assert re.search(r"20\d\d-\d\d-\d\d \d\d:\d\d UTC \d+\.\d+\.\d+\.\d+ ", told)
    assert "198.51.100" not in told, "an address that was only claimed"


def refuses(platform: Platform) -> None:
    """The page says how long to wait, keeps the name that was typed, and makes no account."""
    late = Person(platform.url, "latecomer")
    answer = late.sign_up()
    assert answer.status_code == 429
    assert "Too many accounts" in answer.text
    assert re.search(r"Please try again in (1?\d|20) minutes?,", answer.text), answer.text
    assert 0 < int(answer.headers["Retry-After"]) <= 1200
    assert 'value="latecomer"' in answer.text
    assert "Invalid username or password" in late.log_in().text
