"""Log-in left to an LDAP server, which really runs and takes passwords through TLS only."""

from collections.abc import Iterator

import pytest
import requests

from jhub_testing.ldap import PASSWORD, PORT, LdapPlatform
from jhub_testing.person import Person
from jhub_testing.resources import Engine
from jhub_testing.waiting import PATIENCE


@pytest.fixture(scope="module")
def platform(engine: Engine, pytestconfig: pytest.Config) -> Iterator[LdapPlatform]:
    with LdapPlatform(engine, pytestconfig.rootpath, "ldap") as platform:
        yield platform


def test_people_the_server_knows_and_the_settings_allow_get_in(platform: LdapPlatform) -> None:
    ann = Person(platform.url, "ann", PASSWORD)
    ann.log_in()
    assert ann.is_logged_in()
    assert ann.hub.get("api/user").json()["name"] == "ann"
    assert ann.hub.get("admin").status_code == 403
    ann.choose("uv-marimo-small")


def test_admins_are_those_of_the_settings(platform: LdapPlatform) -> None:
    bob = Person(platform.url, "bob", PASSWORD)
    bob.log_in()
    assert bob.hub.get("admin").ok


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("ann", "a wrong guess"),
        ("ann", ""),  # to the protocol, nobody's log-in that succeeds (RFC 4513, 5.1.2)
        ("nobody", PASSWORD),
        ("mallory", PASSWORD),
        ("ann,ou=people", PASSWORD),
        ("*", PASSWORD),
    ],
)
def test_others_do_not(name: str, password: str, platform: LdapPlatform) -> None:
    person = Person(platform.url, name)
    person.password = password
    assert person.log_in().status_code == 403
    assert not person.is_logged_in()


def test_a_server_with_anybodys_certificate_is_not_believed(platform: LdapPlatform) -> None:
    hub = platform.container("hub")
    script = TRY.format(server=platform.server, port=PORT)
    for ca, told in (("/srv/jupyterhub/ldap.pem", "connected"), ("", "certificate verify failed")):
        _, output = hub.exec_run(["python", "-c", script, ca])
        assert told in output.decode()


TRY = """
import sys, ldap3
from hub_config.login.providers import tls
server = ldap3.Server("{server}", port={port}, tls=ldap3.Tls(**tls(sys.argv[1])))
try:
    ldap3.Connection(server, auto_bind=ldap3.AUTO_BIND_TLS_BEFORE_BIND)
except ldap3.core.exceptions.LDAPStartTLSError as error:
    sys.exit(str(error))
print("connected")
"""


def test_there_are_no_accounts_of_the_platforms_own(platform: LdapPlatform) -> None:
    for page in ("signup", "authorize", "change-password", "second-factor"):
        assert requests.get(f"{platform.url}/hub/{page}", timeout=PATIENCE).status_code == 404, page
