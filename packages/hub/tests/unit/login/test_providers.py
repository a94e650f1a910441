"""OIDC and LDAP: which authenticator is configured, with what, and that nobody slips in."""

import ssl
import subprocess
import sys
from pathlib import Path

import pytest
from traitlets.config import Config

from hub_config import SettingsError, concerns
from hub_config.first_start import Places
from hub_config.settings import Settings
from hub_config.settings.reading import read

OIDC = """
authenticator = "oidc"
[oidc]
client_id = "jhub"
authorize_url = "https://login.example.org/authorize"
token_url = "https://login.example.org/token"
userdata_url = "https://login.example.org/userinfo"
callback_url = "https://hub.example.org/hub/oauth_callback"
admin_users = ["ann"]
"""

LDAP = """
authenticator = "ldap"
[ldap]
server_address = "ldap.example.org"
bind_dn_template = ["uid={username},ou=people,dc=example,dc=org"]
allow_all = true
"""


def settings(tmp_path: Path, text: str, **environ: str) -> Settings:
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    return read(environ, path)


def applied(settings: Settings, places: Places) -> Config:
    c = Config()
    concerns.authentication(c, settings, places)
    return c


def test_oidc_is_configured_from_the_file(tmp_path: Path, places: Places) -> None:
    secret = tmp_path / "secret"
    secret.write_text("very secret\n", encoding="utf-8")
    c = applied(settings(tmp_path, f'{OIDC}secret_file = "{secret}"\n'), places)
    made = c.JupyterHub.authenticator_class(config=c)
    assert type(made).__name__ == "GenericOAuthenticator"
    assert made.client_secret == "very secret"
    assert made.token_url == "https://login.example.org/token"
    assert made.scope == ["openid", "profile", "email"]
    assert made.admin_users == {"ann"}
    assert not made.allow_all


def test_the_secret_may_come_by_environment_and_is_not_shown(
    tmp_path: Path, places: Places
) -> None:
    read_ = settings(tmp_path, OIDC, JHUB_PROVIDER_SECRET="very secret")
    assert "very secret" not in repr(read_)
    assert applied(read_, places).OAuthenticator.client_secret == "very secret"


def test_groups_follow_the_claim(tmp_path: Path, places: Places) -> None:
    text = f'{OIDC}groups_claim = "teams"\nallowed_groups = ["a"]\nadmin_groups = ["b"]\n'
    c = applied(settings(tmp_path, text, JHUB_PROVIDER_SECRET="x"), places)
    made = c.JupyterHub.authenticator_class(config=c)
    assert made.manage_groups
    assert made.auth_state_groups_key == "oauth_user.teams"
    assert (made.allowed_groups, made.admin_groups) == ({"a"}, {"b"})


def test_ldap_is_configured_from_the_file(tmp_path: Path, places: Places) -> None:
    c = applied(settings(tmp_path, LDAP), places)
    made = c.JupyterHub.authenticator_class(config=c)
    assert type(made).__name__ == "LDAPAuthenticator"
    assert made.server_address == "ldap.example.org"
    assert made.tls_strategy.name == "before_bind"
    assert made.bind_dn_template == ["uid={username},ou=people,dc=example,dc=org"]
    assert made.tls_kwargs == {"validate": ssl.CERT_REQUIRED}, "anybody could be the server"


def test_an_ldap_servers_ca_may_be_ones_own(tmp_path: Path, places: Places) -> None:
    ca = tmp_path / "ca.pem"
    ca.touch()
    c = applied(settings(tmp_path, f'{LDAP}ca_certs_file = "{ca}"\n'), places)
    made = c.JupyterHub.authenticator_class(config=c)
    assert made.tls_kwargs == {"validate": ssl.CERT_REQUIRED, "ca_certs_file": str(ca)}


def test_the_platforms_own_first_admin_is_nobody_there(tmp_path: Path, places: Places) -> None:
    c = applied(settings(tmp_path, LDAP), places)
    assert c.Authenticator.admin_users == set()


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (LDAP.replace("allow_all = true", ""), "nobody could log in"),
        (OIDC.replace("https://login.example.org/token", "token"), "oidc.token_url"),
        (f"{OIDC}clientid = 1\n", "oidc.clientid"),
    ],
)
def test_what_is_wrong_is_named(text: str, part: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        settings(tmp_path, text)
    assert part in str(caught.value)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ('authenticator = "oidc"\n', "wants a table [oidc]"),
        ('authenticator = "ldap"\n', "wants a table [ldap]"),
        (OIDC, "JHUB_PROVIDER_SECRET"),
        (f'{OIDC}secret_file = "/nowhere"\n', "/nowhere"),
        (f"{LDAP}lookup_dn = true\n", "JHUB_PROVIDER_SECRET"),
        (f'{LDAP}ca_certs_file = "/nowhere"\n', "/nowhere"),
    ],
)
def test_what_is_missing_is_told(text: str, part: str, tmp_path: Path, places: Places) -> None:
    with pytest.raises(SettingsError) as caught:
        applied(settings(tmp_path, text), places)
    assert part in str(caught.value)


def test_neither_is_loaded_unless_chosen() -> None:
    script = (
        "import sys, hub_config.concerns;"
        "sys.exit(bool({'oauthenticator', 'ldapauthenticator', 'ldap3'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
