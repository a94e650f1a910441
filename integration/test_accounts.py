"""From a stranger to a person who is let in, through the published port."""

import base64
import csv
import re
from http import HTTPStatus
from urllib.parse import quote

import pytest
import requests
from bs4 import BeautifulSoup

from jhub_docker.errors import ActionError
from jhub_testing.client import Client
from jhub_testing.person import MakePerson, Person
from jhub_testing.platforms import Platform
from jhub_testing.waiting import PATIENCE


def one_time_password(page: requests.Response) -> str:
    found = BeautifulSoup(page.text, "html.parser").select_one("#one-time-password")
    assert found, page.text[-600:]
    return found.get_text(strip=True)


def waiting(admin: Person) -> int:
    """How many people wait for approval, as the navigation bar says."""
    home = BeautifulSoup(admin.hub.get("home").text, "html.parser")
    count = home.select_one("#waiting-accounts")
    return int(re.findall(r"\d+", count.get_text())[0]) if count else 0


def test_approval_comes_before_login(platform: Platform, admin: Person) -> None:
    before = waiting(admin)  # others' tests may have people who wait, too
    person = Person(platform.url, "newcomer")
    assert "has to approve" in person.sign_up().text

    refused = person.log_in()
    assert refused.status_code == 403
    assert "not been authorized" in refused.text
    assert not person.is_logged_in()

    assert waiting(admin) == before + 1
    assert admin.approve("newcomer").ok
    assert waiting(admin) == before
    person.log_in()
    assert person.is_logged_in()


def test_a_form_that_was_open_too_long_says_so_and_one_that_is_refused_keeps_what_was_typed(
    platform: Platform,
) -> None:
    person = Person(platform.url, "late")
    fields = {"username": "late", "signup_password": "x", "signup_password_confirmation": "y"}
    expired = person.session.post(person.hub.url("signup"), data=fields, timeout=PATIENCE)
    assert expired.status_code == HTTPStatus.FORBIDDEN
    assert "This form has expired" in expired.text
    page = person.fill("signup", "signup_password", **fields, second_factor="yes")
    form = BeautifulSoup(page.text, "html.parser")
    assert form.select_one('[name="username"][value="late"]')
    assert form.select_one('[name="second_factor"][checked]')


def test_wrong_password_is_refused(platform: Platform, admin: Person) -> None:
    stranger = Person(platform.url, "admin", "not-the-password")
    assert stranger.log_in().status_code == 403
    assert not stranger.is_logged_in()


@pytest.mark.parametrize("name", ["admin", "adm1n", "Admin"])
def test_nobody_signs_up_as_the_admin(name: str, platform: Platform, admin: Person) -> None:
    impostor = Person(platform.url, name)
    assert impostor.sign_up().status_code == 400
    impostor.log_in()
    assert not impostor.is_logged_in()


def test_users_an_admin_made_cannot_be_signed_up_for(platform: Platform, admin: Person) -> None:
    admin.hub.get("home")
    assert admin.hub.post("api/users/carol", json={}).ok
    impostor = Person(platform.url, "carol")
    assert "already in use" in impostor.sign_up().text

    carol = Person(platform.url, "carol", one_time_password(admin.press("carol", "Reset password")))
    assert carol.log_in().url.endswith("/hub/change-password")
    assert carol.change_password("correct horse 9").ok
    assert carol.is_logged_in()


def test_a_one_time_password_opens_one_page_only(
    platform: Platform, admin: Person, make_person: MakePerson
) -> None:
    person = make_person("forgetful")
    person.hub.get("home")
    token = person.hub.post("api/users/forgetful/tokens", json={}).json()["token"]
    program = Client(f"{platform.url}/hub/", headers={"Authorization": f"token {token}"})
    assert program.get("api/user").ok

    person.password = one_time_password(admin.press("forgetful", "Reset password"))
    assert not person.is_logged_in(), "the session of before is still there"
    assert program.get("api/user").status_code == 403

    person.session.cookies.clear()
    assert person.log_in().url.endswith("/hub/change-password")
    for page in ("home", "spawn", "token", "authorize", "second-factor", "login/code"):
        assert "/hub/login" in person.hub.get(page).url, page
    for path in ("api/user", "api/users/forgetful", "api/users"):
        assert person.hub.get(path).status_code == 403, path
    assert person.start_by_api({}).status_code == 403
    assert not platform.servers("forgetful")

    assert person.change_password("correct horse 9").ok
    assert person.is_logged_in()


REPORT = """
import json, os, urllib.request
from datetime import datetime, timezone
now = datetime.now(timezone.utc).isoformat()
body = json.dumps({"servers": {"": {"last_activity": now}}, "last_activity": now}).encode()
headers = {"Authorization": "token " + os.environ["JUPYTERHUB_API_TOKEN"]}
print(urllib.request.urlopen(
    urllib.request.Request(os.environ["JUPYTERHUB_ACTIVITY_URL"], body, headers)).status)
"""
"""As a single-user server tells the hub what goes on in it (jupyterhub/singleuser/extension.py)."""


def reports(platform: Platform, name: str) -> bool:
    """Whether the server of `name` can still tell the hub what goes on in it."""
    (server,) = platform.servers(name)
    code, output = server.exec_run(["python3", "-c", REPORT])
    return bool(code == 0 and output.strip() == b"200")


def test_a_running_server_goes_on_reporting_after_a_reset(
    platform: Platform, admin: Person, make_person: MakePerson
) -> None:
    person = make_person("busy").choose("uv-lab-small")
    assert reports(platform, "busy")
    person.password = one_time_password(admin.press("busy", "Reset password"))
    assert not person.is_logged_in()
    assert reports(platform, "busy"), "it will be stopped as idle, whatever goes on in it"
    platform.container("hub").restart()
    platform.wait_until_open()
    assert reports(platform, "busy"), "not any more once the hub was restarted"
    assert not person.is_logged_in()
    person.log_in()
    assert person.change_password("correct horse 9").ok
    person.stop()


def rename(admin: Person, name: str, new: str) -> requests.Response:
    """As JupyterHub's page Admin does it."""
    admin.hub.get("home")
    return admin.hub.change("PATCH", f"api/users/{name}", json={"name": new, "admin": False})


def test_a_person_who_is_renamed_keeps_the_account(
    platform: Platform, admin: Person, make_person: MakePerson
) -> None:
    person = make_person("maiden").choose("uv-lab-small")
    refused = rename(admin, "maiden", "married")
    assert refused.status_code == HTTPStatus.BAD_REQUEST
    assert "maiden has a server running; stop it" in refused.text
    person.stop()
    assert Person(platform.url, "waiting-one").sign_up().ok
    for taken in ("waiting-one", "admin", "root"):
        assert rename(admin, "maiden", taken).status_code == HTTPStatus.BAD_REQUEST, taken
    assert "JHUB_ADMIN_USER" in rename(admin, "admin", "boss").text

    assert rename(admin, "maiden", "married").ok
    assert person.is_logged_in(), "the session ended"
    for name, lets_in in (("married", True), ("maiden", False)):
        again = Person(platform.url, name, person.password)
        again.log_in()
        assert again.is_logged_in() is lets_in, name
    assert admin.hub.get("api/users/maiden").status_code == HTTPStatus.NOT_FOUND
    newcomer = make_person("maiden")
    assert newcomer.is_logged_in()
    again = Person(platform.url, "married", person.password)
    again.log_in()
    again.choose("uv-lab-small").stop()


def test_many_people_are_added_at_once(platform: Platform, admin: Person) -> None:
    bad = admin.fill("authorize", "people", people="lena\nroot\nleo not-an-address")
    assert bad.status_code == HTTPStatus.BAD_REQUEST
    assert "Line 2, root" in bad.text
    assert "Line 3, leo not-an-address" in bad.text
    assert BeautifulSoup(bad.text, "html.parser").find("tr", id="lena") is None
    text = BeautifulSoup(bad.text, "html.parser").select_one("textarea[name=people]")
    assert text
    assert "leo not-an-address" in text.get_text(), "the list has to be typed again"

    page = BeautifulSoup(
        admin.fill("authorize", "people", people="lena, lena@example.org\r\nleo").text,
        "html.parser",
    )
    link = page.select_one("a[download]")
    assert link
    document = base64.b64decode(str(link["href"]).partition("base64,")[2]).decode()
    _, *rows = csv.reader(document.splitlines())
    assert [row[:2] for row in rows] == [["lena", "lena@example.org"], ["leo", ""]]
    for name, _, password in rows:
        person = Person(platform.url, name, password)
        assert person.log_in().url.endswith("/hub/change-password")
        assert person.change_password("correct horse 9").ok
        assert person.is_logged_in()
    again = admin.fill("authorize", "people", people="lena\nluis")
    assert "Line 1, lena: This user name is already in use" in again.text


def test_the_operator_adds_many_people(platform: Platform, admin: Person) -> None:
    command = ("exec", "-T", "hub", "python", "-m", "hub_config", "add-people")
    printed = platform.compose(*command, given="mona\nmax m@example.org\n")
    _, *rows = csv.reader(printed.splitlines())
    assert [row[0] for row in rows] == ["mona", "max"]
    mona = Person(platform.url, "mona", rows[0][2])
    assert mona.log_in().url.endswith("/hub/change-password")
    with pytest.raises(ActionError, match="Line 1, mona"):
        platform.compose(*command, given="mona\n")


def test_one_time_password_works_once(platform: Platform, admin: Person) -> None:
    code, output = platform.container("hub").exec_run(
        ["python", "-m", "hub_config", "admin-password"]
    )
    assert code == 3, output


def test_the_operator_resets_the_admin_and_every_session_ends_at_once(
    platform: Platform, admin: Person
) -> None:
    thief = Person(platform.url, "admin", admin.password)
    thief.log_in()
    assert thief.is_logged_in()
    thief.hub.get("home")
    token = thief.hub.post("api/users/admin/tokens", json={}).json()["token"]
    program = Client(f"{platform.url}/hub/", headers={"Authorization": f"token {token}"})
    assert program.get("api/users").ok

    code, output = platform.container("hub").exec_run(["python", "-m", "hub_config", "reset-admin"])
    assert code == 0, output.decode()
    assert not thief.is_logged_in()
    assert not admin.is_logged_in()
    assert program.get("api/users").status_code == HTTPStatus.FORBIDDEN
    assert thief.log_in().status_code == HTTPStatus.FORBIDDEN, "the password still works"

    admin.password = output.decode().strip()
    assert admin.log_in().url.endswith("/hub/change-password")
    assert admin.change_password("correct horse 9").ok
    assert admin.is_logged_in(), "the running hub does not take the new session"
    assert not thief.is_logged_in(), "the session of before is back"


def test_admins_are_made_and_unmade(admin: Person, make_person: MakePerson) -> None:
    person = make_person("deputy")
    assert person.hub.get("authorize").status_code == 403
    assert admin.press("deputy", "Make admin").ok
    assert person.hub.get("authorize").ok
    assert admin.press("deputy", "Remove admin").ok
    assert person.hub.get("authorize").status_code == 403


def test_a_disabled_person_is_out_at_once(
    platform: Platform, admin: Person, make_person: MakePerson
) -> None:
    person = make_person("leaver").choose("uv-lab-small")
    assert admin.press("leaver", "Disable").ok
    assert not person.is_logged_in()
    assert not platform.servers("leaver"), "the server still runs"
    assert "disabled" in person.log_in().text
    assert not person.is_logged_in()
    assert admin.press("leaver", "Enable").ok
    person.log_in()
    assert person.is_logged_in()


ACTIONS = (
    "authorize/{}",
    "discard/{}",
    "accounts/{}/make-admin",
    "accounts/{}/remove-admin",
    "accounts/{}/reset-password",
    "accounts/{}/reset-second-factor",
    "accounts/{}/disable",
    "accounts/{}/enable",
)


@pytest.mark.parametrize("action", ACTIONS)
def test_accounts_change_by_post_with_xsrf_only(
    action: str, admin: Person, make_person: MakePerson
) -> None:
    admin.hub.get("home")
    for name in ("nosuch", "we?ird", "a/b", "%2e%2e", "%00", "ünï", "x" * 300, "'\"<script>"):
        answer = admin.hub.post(action.format(quote(name, safe="")))
        assert answer.status_code == HTTPStatus.NOT_FOUND, f"{name}: {answer.status_code}"
    path = action.format("admin")
    assert admin.hub.get(path).status_code == HTTPStatus.METHOD_NOT_ALLOWED
    without = admin.session.post(admin.hub.url(path), timeout=PATIENCE)
    assert without.status_code == HTTPStatus.FORBIDDEN, "it works without the XSRF token"
    assert admin.hub.post(path).status_code == HTTPStatus.BAD_REQUEST, "one's own account"


def test_only_the_proxy_is_published(platform: Platform) -> None:
    ports = platform.container("proxy").attrs["NetworkSettings"]["Ports"]
    assert [port for port, bound in ports.items() if bound] == ["8000/tcp"]
    hub = platform.container("hub").attrs["NetworkSettings"]["Ports"]
    assert not [port for port, bound in hub.items() if bound]
