"""The audit log of a platform on which people sign up, work and are helped; and a request's id from
the proxy to the container.
"""

import json
import re
import secrets

import pyotp
import pytest
from bs4 import BeautifulSoup
from docker.models.containers import Container

from jhub_docker.catalog.identity import LABEL
from jhub_testing.operator import Operator
from jhub_testing.person import MakePerson, Person
from jhub_testing.platforms import Platform
from jhub_testing.waiting import PATIENCE, DeadlineReachedError, wait_until

PROFILE = "uv-marimo-small"
NAME = "watched"

Entry = dict[str, object]


@pytest.fixture(scope="module")
def operator(platform: Platform) -> Operator:
    return Operator(platform)


def entries(operator: Operator, *filters: str) -> list[Entry]:
    """What `invoke audit-log` says."""
    result = operator.invoke("audit-log", "--json", "--tail", "0", *filters)
    assert result.returncode == 0, result.stderr
    found: list[Entry] = json.loads(result.stdout)
    return found


def tell(entry: Entry) -> str:
    """Who did what to whom, and what came of it."""
    return f"{entry['who']}: {entry['what']} {entry['on']}: {entry['result']}"


def api_token(platform: Platform, name: str) -> str:
    (container,) = platform.servers(name)
    variables = dict(one.split("=", 1) for one in container.attrs["Config"]["Env"])
    return str(variables["JUPYTERHUB_API_TOKEN"])


def second_factor(person: Person) -> str:
    """Set one up; its secret."""
    page = person.fill("second-factor", "password", password=person.password)
    key = BeautifulSoup(page.text, "html.parser").select_one("#totp-key")
    assert key, page.text[-600:]
    secret = key.get_text(strip=True)
    assert person.fill("second-factor", "code", code=pyotp.TOTP(secret).now()).ok
    return secret


SECRETS = "cat /srv/jupyterhub/secrets/* /srv/proxy/token"


def visit(admin: Person, url: str) -> None:
    """Open somebody else's server, and confirm that one means to."""
    asked = admin.session.get(url, timeout=PATIENCE)
    form = BeautifulSoup(asked.text, "html.parser").select_one('form:has(input[name="scopes"])')
    assert form, f"{asked.status_code} at {asked.url}: {asked.text[-600:]}"
    fields = {str(one["name"]): str(one["value"]) for one in form.select("input[name][value]")}
    answer = admin.session.post(asked.url, data=fields, timeout=PATIENCE)
    assert answer.ok, f"{answer.status_code} at {answer.url}: {answer.text[:300]}"
    assert answer.url.startswith(url), answer.url


def test_all_that_was_done_is_in_it_and_no_secret_is(
    platform: Platform, admin: Person, make_person: MakePerson, operator: Operator
) -> None:
    person = make_person(NAME)
    typed = f"oops-{secrets.token_urlsafe(9)}"
    assert Person(platform.url, NAME, typed).log_in().status_code == 403
    assert Person(platform.url, typed, typed).log_in().status_code == 403
    hidden = [typed, person.password, admin.password, second_factor(person)]
    thief = Person(platform.url, NAME, person.password)
    assert thief.log_in().url.endswith("/hub/login/code")
    assert thief.give_code("000000").status_code == 403
    person.hub.get("home")
    hidden.append(person.hub.post(f"api/users/{NAME}/tokens", json={"note": typed}).json()["token"])
    person.choose(PROFILE)
    hidden.append(api_token(platform, NAME))
    visit(admin, f"{platform.url}/user/{NAME}/")
    admin.hub.get("home")
    assert admin.hub.delete(f"api/users/{NAME}/server").status_code in (202, 204)
    assert admin.press(NAME, "Reset second factor").ok
    page = admin.press(NAME, "Reset password")
    one_time = BeautifulSoup(page.text, "html.parser").select_one("#one-time-password")
    assert one_time
    hidden.append(one_time.get_text(strip=True))
    again = Person(platform.url, NAME, hidden[-1])
    assert again.log_in().url.endswith("/hub/change-password")
    assert again.change_password("short").status_code == 400

    wanted = [
        f"{NAME}: signup {NAME}: ok",
        f"admin: account.approve {NAME}: ok",
        f"somebody: login {NAME}: refused (403)",
        f"{NAME}: session.begin {NAME}: ok",
        f"somebody: login.code {NAME}: refused (403)",
        f"{NAME}: second-factor.confirm {NAME}: ok",
        f"{NAME}: token.make {NAME}: ok",
        f"{NAME}: server.start {NAME}: ok",
        f"{NAME}: server.started {NAME}: ok",
        f"admin: server.access {NAME}: ok",
        f"admin: server.stop {NAME}: ok",
        f"admin: server.stopped {NAME}: ok",
        f"admin: account.reset-second-factor {NAME}: ok",
        f"admin: account.reset-password {NAME}: ok",
        f"{NAME}: password.change {NAME}: refused (400)",
    ]
    found: list[Entry] = []

    def all_there() -> bool:
        found[:] = entries(operator, "--user", NAME)
        missing.clear()
        missing.update(set(wanted) - {tell(one) for one in found})
        return not missing

    missing: set[str] = set()
    try:
        wait_until(all_there, "all of it to be in the audit log")
    except DeadlineReachedError:
        assert not missing, [tell(one) for one in found]
    refused = next(one for one in found if one["result"] == "refused (403)")
    assert refused["from"]
    assert refused["request"]
    verdict = operator.invoke("audit-log.verify")
    assert verdict.returncode == 0, verdict.stderr
    assert re.search(r"\d+ entries, each as it was written", verdict.stdout)

    hub = platform.container("hub")
    code, kept = hub.exec_run(["sh", "-c", "cat /srv/jupyterhub/audit/*"])
    assert code == 0
    assert NAME.encode() in kept
    own = [line for line in kept.splitlines() if b"service lifetimes" in line]
    assert not own, "what the platform asks of itself fills the log"
    assert b"api/lifetimes" not in kept
    hidden += hub.exec_run(["sh", "-c", SECRETS]).output.decode().split()
    assert len(hidden) >= 8
    assert not [secret for secret in hidden if secret.encode() in kept]


def test_a_person_sees_the_own_entries_and_an_admin_all(
    admin: Person, make_person: MakePerson
) -> None:
    person = make_person("inquirer")
    shown = person.hub.get("audit/own").text
    assert "account.approve" in shown, "what was done to the account is not shown"
    assert "session.begin" in shown
    assert person.hub.get("audit").status_code == 403
    assert person.hub.get("audit/export").status_code == 403
    everything = admin.hub.get("audit", params={"person": "inquirer", "what": "account"})
    rows = BeautifulSoup(everything.text, "html.parser").select("tbody tr")
    assert [row.select("td")[1].get_text() for row in rows] == ["account.approve"]
    exported = admin.hub.get("audit/export", params={"person": "inquirer"})
    lines = [json.loads(line) for line in exported.text.splitlines()]
    assert {"signup", "account.approve", "session.begin"} <= {line["what"] for line in lines}
    assert "no time" in admin.hub.get("audit", params={"since": "once"}).text


def test_one_id_follows_a_start_and_is_on_the_page_when_it_fails(
    platform: Platform, make_person: MakePerson, operator: Operator
) -> None:
    person = make_person("followed")
    person.hub.get("home")
    given = {"X-Request-ID": f"traced-{secrets.token_hex(6)}"}
    answer = person.hub.post("api/users/followed/server", json={"profile": PROFILE}, headers=given)
    assert answer.headers["X-Request-ID"] == given["X-Request-ID"]
    person.wait_until_served()
    (container,) = platform.servers("followed")
    assert isinstance(container, Container)
    assert container.labels[f"{LABEL}.request"] == given["X-Request-ID"]
    told = entries(operator, "--user", "followed", "--what", "server.start")
    assert {one["request"] for one in told} == {given["X-Request-ID"]}

    logs = operator.invoke("logs", "followed", "--since", "1h")
    assert logs.returncode == 0, logs.stderr
    assert "/user/followed/" in logs.stdout + logs.stderr
    unknown = operator.invoke("logs", "nosuch")
    assert unknown.returncode == 2
    assert "no server of 'nosuch'; known: hub, proxy, " in unknown.stderr
    assert "followed" in unknown.stderr
    person.stop()
