"""The second factor, with an authenticator app that only reads the page."""

import time

import pyotp
import pytest
import requests
from bs4 import BeautifulSoup

from jhub_testing.person import MakePerson, Person
from jhub_testing.platforms import Platform
from jhub_testing.waiting import PATIENCE


class App:
    """An authenticator app whose clock can be ahead by one step, which the hub allows: so there is
    a second code at once, and time to send it; one of the step before may be too old by then.
    """

    def __init__(self, page: requests.Response) -> None:
        soup = BeautifulSoup(page.text, "html.parser")
        assert soup.select_one(".qr-code svg"), "no QR code"
        key = soup.select_one("#totp-key")
        assert key, page.text[-600:]
        self.key = key.get_text(strip=True)

    def code(self, *, later: int = 0) -> str:
        return pyotp.TOTP(self.key).at(int(time.time()) + 30 * later)


def recovery_codes(page: requests.Response) -> list[str]:
    soup = BeautifulSoup(page.text, "html.parser")
    return [entry.get_text(strip=True) for entry in soup.select("#recovery-codes li")]


@pytest.fixture(scope="module")
def person(make_person: MakePerson) -> Person:
    return make_person("careful")


@pytest.fixture(scope="module")
def app(person: Person) -> App:
    """The person's app, confirmed; its recovery codes are in `person_codes`."""
    refused = person.fill("second-factor", "password", password="not the password")
    assert "Invalid username or password" in refused.text
    app = App(person.fill("second-factor", "password", password=person.password))
    again = person.hub.get("second-factor/begin")
    assert App(again).key == app.key, "who loads the page again has another key than the app"
    wrong = person.fill("second-factor", "code", code="000000")
    assert "not right" in wrong.text
    assert not recovery_codes(wrong)
    return app


@pytest.fixture(scope="module")
def codes(person: Person, app: App) -> list[str]:
    """The recovery codes, as shown when the app's first right code was given."""
    return recovery_codes(person.fill("second-factor", "code", code=app.code()))


def test_a_password_alone_opens_nothing(
    platform: Platform, person: Person, app: App, codes: list[str]
) -> None:
    assert len(set(codes)) == 10
    thief = Person(platform.url, person.name, person.password)
    assert thief.log_in().url.endswith("/hub/login/code")
    assert not thief.is_logged_in()
    assert thief.hub.get("api/user").status_code == 403
    assert "not right" in thief.give_code("000000").text
    assert not thief.is_logged_in()


def test_a_code_works_once(platform: Platform, person: Person, app: App, codes: list[str]) -> None:
    code = app.code(later=1)
    first = Person(platform.url, person.name, person.password)
    first.log_in()
    first.give_code(code)
    assert first.is_logged_in()
    second = Person(platform.url, person.name, person.password)
    second.log_in()
    assert "used already" in second.give_code(code).text
    assert not second.is_logged_in()


def test_a_recovery_code_works_once(platform: Platform, person: Person, codes: list[str]) -> None:
    first = Person(platform.url, person.name, person.password)
    first.log_in()
    first.give_code(codes[0])
    assert first.is_logged_in()
    assert "Recovery codes left: 9" in first.hub.get("second-factor").text
    second = Person(platform.url, person.name, person.password)
    second.log_in()
    second.give_code(codes[0])
    assert not second.is_logged_in()


def test_no_secret_is_in_the_database_in_the_clear(
    platform: Platform, person: Person, app: App, codes: list[str]
) -> None:
    code, output = platform.container("hub").exec_run(
        ["sh", "-c", "cat /srv/jupyterhub/jupyterhub.sqlite*"]
    )
    assert code == 0
    assert person.name.encode() in output, "this is not the database"
    secrets = [app.key, person.password, *codes, *(code.replace("-", "") for code in codes)]
    found = [secret for secret in secrets if secret.encode() in output]
    assert not found


def test_an_admin_can_take_a_lost_one_away(
    platform: Platform, admin: Person, person: Person, codes: list[str]
) -> None:
    assert admin.press(person.name, "Reset second factor").ok
    again = Person(platform.url, person.name, person.password)
    again.log_in()
    assert again.is_logged_in()


def test_who_asks_for_it_at_sign_up_sets_it_up_at_the_first_login(
    platform: Platform, admin: Person
) -> None:
    person = Person(platform.url, "keen")
    signed_up = person.fill(
        "signup",
        "signup_password",
        username=person.name,
        signup_password=person.password,
        signup_password_confirmation=person.password,
        second_factor="yes",
    )
    assert signed_up.ok
    assert admin.approve("keen").ok
    assert person.log_in().url.endswith("/hub/second-factor")
    assert not person.is_logged_in()
    page = person.hub.get("second-factor")
    form = BeautifulSoup(page.text, "html.parser").select_one("form[action$='second-factor/begin']")
    assert form
    fields = {str(entry["name"]): str(entry["value"]) for entry in form.select("[type=hidden]")}
    app = App(person.session.post(f"{platform.url}{form['action']}", data=fields, timeout=PATIENCE))
    assert len(recovery_codes(person.fill("second-factor", "code", code=app.code()))) == 10
    assert person.is_logged_in()


def test_who_is_renamed_keeps_app_and_recovery_codes(
    platform: Platform, admin: Person, make_person: MakePerson
) -> None:
    person = make_person("before")
    app = App(person.fill("second-factor", "password", password=person.password))
    kept = recovery_codes(person.fill("second-factor", "code", code=app.code()))
    admin.hub.get("home")
    assert admin.hub.change("PATCH", "api/users/before", json={"name": "after"}).ok
    for code in (app.code(later=1), kept[0]):
        after = Person(platform.url, "after", person.password)
        assert after.log_in().url.endswith("/hub/login/code")
        after.give_code(code)
        assert after.is_logged_in()
