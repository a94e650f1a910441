"""Log-in left to an OpenID Connect provider, which really runs."""

from collections.abc import Iterator

import pytest
import requests

from jhub_docker.platform import canary, compose
from jhub_testing.oidc import OidcPlatform
from jhub_testing.operator import Operator
from jhub_testing.person import Person
from jhub_testing.resources import Engine
from jhub_testing.waiting import PATIENCE


@pytest.fixture(scope="module")
def platform(engine: Engine, pytestconfig: pytest.Config) -> Iterator[OidcPlatform]:
    with OidcPlatform(engine, pytestconfig.rootpath, "oidc") as platform:
        yield platform


def log_in(platform: OidcPlatform, name: str) -> tuple[Person, requests.Response]:
    """As a browser does: the hub's button, the provider's form, back to the hub."""
    person = Person(platform.url, name)
    form = person.hub.get("oauth_login")
    assert form.url.startswith(platform.issuer), form.url
    return person, person.session.post(form.url, data={"sub": name}, timeout=PATIENCE)


def test_people_the_provider_knows_and_the_settings_allow_get_in(platform: OidcPlatform) -> None:
    ann, answer = log_in(platform, "ann")
    assert answer.ok, answer.text[-600:]
    assert ann.is_logged_in()
    assert ann.hub.get("admin").status_code == 403
    assert ann.hub.get("api/user").json()["name"] == "ann"
    ann.choose("uv-lab-small")


def test_admins_are_those_of_the_settings(platform: OidcPlatform) -> None:
    bob, _ = log_in(platform, "bob")
    assert bob.hub.get("admin").ok


@pytest.mark.parametrize("name", ["mallory", "admin", "a/b"])
def test_others_do_not(name: str, platform: OidcPlatform) -> None:
    person, answer = log_in(platform, name)
    assert answer.status_code == 403
    assert not person.is_logged_in()


def test_there_are_no_accounts_of_the_platforms_own(platform: OidcPlatform) -> None:
    for page in ("signup", "authorize", "change-password", "second-factor"):
        assert requests.get(f"{platform.url}/hub/{page}", timeout=PATIENCE).status_code == 404, page


def test_the_client_secret_is_in_no_log_and_no_command_line(platform: OidcPlatform) -> None:
    hub = platform.container("hub")
    processes = str(hub.top(ps_args="-eo pid,args")["Processes"])
    assert platform.client_secret
    assert platform.client_secret not in hub.logs().decode()
    assert platform.client_secret not in processes + str(hub.attrs)


def test_an_upgrade_is_tried_out_where_nobody_can_be_made_up(
    platform: OidcPlatform,
) -> None:
    """The hub's own cookie stands for the log-in; nothing of the canary stays."""
    read = compose.read(platform.root, platform.environment)
    assert "taken for somebody who logged in, and uv-" in canary.tried(read)
    own = canary.name(platform.project)
    assert not platform.servers(own)
    bob, _ = log_in(platform, "bob")
    assert bob.hub.get(f"api/users/{own}").status_code == 404


def test_up_knows_that_it_is_up_without_a_password_field(platform: OidcPlatform) -> None:
    result = Operator(platform).invoke("up", "--no-build")
    assert result.returncode == 0, result.stderr
    assert f"JupyterHub is up: http://localhost:{platform.port}/" in result.stdout
