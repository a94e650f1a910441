"""Settings: found, checked, and explained when they are wrong."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub_config import SettingsError
from hub_config.settings import Settings, reading
from hub_config.settings.reading import read
from hub_config.settings.tables import LdapServer, OidcProvider


def toml(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_defaults_without_environment_and_file(tmp_path: Path) -> None:
    assert read({}, tmp_path / "none.toml") == Settings()


def test_environment_comes_before_the_file(tmp_path: Path) -> None:
    path = toml(tmp_path, "idle_timeout = 60\nmax_age = 500\n")
    found = read({"JHUB_IDLE_TIMEOUT": "120"}, path)
    assert (found.idle_timeout, found.max_age) == (120, 500)


@pytest.mark.parametrize(
    ("line", "reader", "variable"),
    [
        ('ca_bundle = "/etc/shadow"', "the engine's filter", "JHUB_CA_BUNDLE"),
        ("block_private_networks = true", "the firewall", "JHUB_BLOCK_PRIVATE_NETWORKS"),
        ('db_url = "postgresql+psycopg://db/hub"', "invoke's tasks", "JHUB_DB_URL"),
    ],
)
def test_what_others_go_by_is_not_taken_from_the_hubs_file(
    tmp_path: Path, line: str, reader: str, variable: str
) -> None:
    path = toml(tmp_path, f"{line}\n")
    with pytest.raises(SettingsError, match=f"{reader}.*set {variable} instead"):
        read({}, path)
    assert read({"JHUB_CONFIG": str(path)}, None) == Settings()


def test_an_empty_variable_counts_as_not_set(tmp_path: Path) -> None:
    assert read({"JHUB_NB_UID": ""}, tmp_path / "none.toml").nb_uid is None


def test_other_programs_variables_do_not_matter(tmp_path: Path) -> None:
    assert read({"JUPYTERHUB_API_URL": "x", "PATH": "y"}, tmp_path / "none.toml") == Settings()


@pytest.mark.parametrize(
    ("environ", "parts"),
    [
        (
            {"JHUB_IDLE_TIMEOUT": "soon"},
            ["JHUB_IDLE_TIMEOUT", "'soon'", "allowed: a whole number. (", "3600"],
        ),
        ({"JHUB_MAX_MEMORY_GB": "inf"}, ["JHUB_MAX_MEMORY_GB", "'inf'", "finite"]),
        ({"JHUB_DISK_LIMIT_GB": "1e400"}, ["JHUB_DISK_LIMIT_GB", "finite"]),
        ({"JHUB_TIMEZONE": "Berlin"}, ["JHUB_TIMEZONE", "'Berlin'", "Europe/Berlin"]),
        ({"JHUB_SIGNUP": "perhaps"}, ["JHUB_SIGNUP", "'perhaps'", "'approval'"]),
        ({"JHUB_ALLOW_NAMED_SERVERS": "often"}, ["NAMED_SERVERS", "'often'", "true or false"]),
        ({"JHUB_DOMAIN": "https://hub.example.org"}, ["JHUB_DOMAIN", "hub.example.org"]),
        ({"JHUB_DOMAIN": "10.0.0.5"}, ["JHUB_DOMAIN", "'10.0.0.5'"]),
        (
            {"JHUB_DOMAIN": "hub.example.org", "JHUB_PUBLIC_URL": "https://hub.example.org.evil/"},
            ["JHUB_PUBLIC_URL", "JHUB_DOMAIN"],
        ),
        (
            {"JHUB_DOMAIN": "hub.example.org", "JHUB_SUBDOMAIN_HOST": "https://hub.example.org"},
            ["JHUB_SUBDOMAIN_HOST", "JHUB_TLS=files"],
        ),
        ({"JHUB_TRUSTED_PROXIES": "me"}, ["JHUB_TRUSTED_PROXIES", "'me'", "10.0.0.5"]),
        ({"JHUB_AUTHENTICATOR": "saml"}, ["JHUB_AUTHENTICATOR", "'saml'", "'oidc'"]),
        ({"JHUB_LOG_LEVEL": "LOUD"}, ["JHUB_LOG_LEVEL", "'LOUD'", "'DEBUG'"]),
        ({"JHUB_BASE_URL": "team"}, ["JHUB_BASE_URL", "'team'", "slash"]),
        ({"JHUB_CA_BUNDLE": "ca.pem"}, ["JHUB_CA_BUNDLE", "'ca.pem'", "absolute path"]),
        ({"JHUB_RUNTIME": "swarm", "JHUB_SHARED_PATH": "/"}, ["JHUB_SHARED_PATH", "below /"]),
        ({"JHUB_RUNTIME": "swarm", "JHUB_SHARED_PATH": "/mnt/.."}, ["without .."]),
        ({"JHUB_IDLE_TIMEOT": "1"}, ["JHUB_IDLE_TIMEOT", "did you mean JHUB_IDLE_TIMEOUT?"]),
        ({"JHUB_USERNAME_PATTERN": "["}, ["JHUB_USERNAME_PATTERN", "regular expression"]),
        (
            {"JHUB_USER_VOLUME_PREFIX": "jupyterhub-shared-home-"},
            ["JHUB_SHARED_VOLUME_PREFIX is 'jupyterhub-shared-'", "called as a home"],
        ),
        ({"JHUB_MAIL_DOMAINS": "a.org, @b.org"}, ["JHUB_MAIL_DOMAINS", "'@b.org'", "example.org"]),
    ],
)
def test_a_wrong_variable_is_named_with_its_value_and_what_is_allowed(
    environ: dict[str, str], parts: list[str], tmp_path: Path
) -> None:
    with pytest.raises(SettingsError) as caught:
        read(environ, tmp_path / "none.toml")
    assert all(part in str(caught.value) for part in parts), str(caught.value)


def test_all_complaints_come_at_once(tmp_path: Path) -> None:
    path = toml(tmp_path, 'max_age = -1\nnetwrk = "x"\n')
    with pytest.raises(SettingsError) as caught:
        read({"JHUB_NB_UID": "0"}, path)
    text = str(caught.value)
    assert "JHUB_NB_UID is '0'" in text
    assert f"max_age in {path} is -1" in text
    assert "did you mean network?" in text


def test_a_wrong_entry_of_a_group_is_named_with_its_path(tmp_path: Path) -> None:
    path = toml(tmp_path, '[groups.analysts]\nprofile = ["uv-lab-large"]\n')
    with pytest.raises(SettingsError, match=r"groups\.analysts\.profile in .*config.toml"):
        read({}, path)


def test_groups_are_read_from_the_file(tmp_path: Path) -> None:
    path = toml(tmp_path, '[groups.analysts]\nprofiles = ["uv-lab-large"]\n')
    assert read({}, path).groups["analysts"].profiles == {"uv-lab-large"}


@pytest.mark.parametrize(
    ("text", "part"), [("a = [", "not valid TOML"), (None, "there is no such file")]
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, text: str | None, part: str) -> None:
    path = tmp_path / "named.toml"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=part):
        read({"JHUB_CONFIG": str(path)}, tmp_path / "none.toml")


SECRET = "s3cr3t-in-the-wrong-place"
OIDC = """
[oidc]
client_id = "jhub"
authorize_url = "https://login.example.org/authorize"
token_url = "https://login.example.org/token"
userdata_url = "https://login.example.org/userinfo"
callback_url = "https://hub.example.org/hub/oauth_callback"
allow_all = true
"""


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f'{OIDC}client_secret = "{SECRET}"\n', "oidc.client_secret in .* not a setting; .*file"),
        (f'{OIDC}secret = "{SECRET}"\n', "JHUB_PROVIDER_SECRET"),
        (f'{OIDC}client_idd = "{SECRET}"\n', "did you mean client_id"),
        (f'[oidc]\nclient_secret = "{SECRET}"\n', "oidc.client_id in .* is missing"),
        (f"{OIDC}secret_file = ['{SECRET}']\n", "oidc.secret_file in .* text in quotes"),
        (f'{OIDC}basic_auth = "{SECRET}"\n', "oidc.basic_auth in .* true or false"),
        (OIDC.replace("allow_all = true", f'token = "{SECRET}"'), "oidc.token in .* not a setting"),
        (f'[ldap]\nserver_address = "x"\nlookup_dn_search_password = "{SECRET}"\n', "secret_file"),
        (f'oidc = "{SECRET}"\n', "oidc in .* cannot be used"),
        (f'provider_secret = ["{SECRET}"]\n', "provider_secret in .* cannot be used"),
        (f'client_secret = "{SECRET}"\n', "client_secret in .* is not a setting"),
        (f'[groups.a]\nsecret = "{SECRET}"\n', "groups.a.secret in .* is not a setting"),
        (f'[groups.a.environment]\nA = ["{SECRET}"]\n', "groups.a.environment.A in"),
        (f'[[images]]\ntoken = "{SECRET}"\n', "images.0.reference in .* is missing"),
        (f'x = "{SECRET}\n', "not valid TOML"),
    ],
)
def test_no_value_that_could_be_a_secret_is_ever_printed(
    text: str, told: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError) as caught:
        read({}, toml(tmp_path, text))
    assert SECRET not in str(caught.value)
    assert re.search(told, str(caught.value)), str(caught.value)


def test_a_secret_in_an_unknown_variable_is_not_printed(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        read({"JHUB_PROVIDER_SECRT": SECRET, "JHUB_OIDC": SECRET}, tmp_path / "none.toml")
    assert SECRET not in str(caught.value)
    assert "JHUB_OIDC is not a setting" in str(caught.value)


LEAVES = st.just(SECRET) | st.integers() | st.booleans()
TABLES = st.dictionaries(
    st.sampled_from([*OidcProvider.model_fields, *LdapServer.model_fields, "client_secret", "x"]),
    st.recursive(
        LEAVES,
        lambda inner: (
            st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2)
        ),
    ),
    max_size=5,
)


@settings(max_examples=200)
@given(
    st.dictionaries(st.sampled_from(["oidc", "ldap", "provider_secret"]), TABLES | LEAVES),
    st.dictionaries(st.sampled_from(["secret", "client_secret", "oicd"]), TABLES | LEAVES),
)
def test_whatever_a_provider_is_said_to_be_nothing_of_it_is_printed(
    known: dict[str, Any], unknown: dict[str, Any]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "_from_file", lambda *_: (known | unknown, "config.toml"))
        told = ""
        try:
            found = read({})
        except SettingsError as error:
            told = str(error)
        else:
            told = repr(found.provider_secret)
            assert not unknown
    assert SECRET not in told


@pytest.mark.parametrize("public", ["https://hub.example.org/", "https://other.example.org/"])
def test_a_provider_calls_back_to_the_public_address(public: str, tmp_path: Path) -> None:
    environ, path = {"JHUB_PUBLIC_URL": public}, toml(tmp_path, OIDC)
    if "hub." in public:
        assert read(environ, path).oidc
        return
    with pytest.raises(SettingsError, match="a callback_url below JHUB_PUBLIC_URL"):
        read(environ, path)


@pytest.mark.parametrize(
    ("environ", "part"),
    [
        ({"JHUB_PUBLIC_URL": "hub.example.org"}, "https://hub.example.org/"),
        ({"JHUB_PUBLIC_URL": "https://ann:pw@hub.example.org/"}, "https://hub.example.org/"),
        ({"JHUB_PUBLIC_URL": "https://hub.example.org/?a=b"}, "https://hub.example.org/"),
        ({"JHUB_PUBLIC_URL": "https://hub.example.org/x/"}, "ends with JHUB_BASE_URL, now '/'"),
        ({"JHUB_PUBLIC_URL": "https://hub.example.org:x/"}, "https://hub.example.org/"),
        ({"JHUB_SUBDOMAIN_HOST": "https://hub.example.org/x"}, "without a path"),
        ({"JHUB_SUBDOMAIN_HOST": "https://10.0.0.1:8000"}, "a name below which"),
        ({"JHUB_SUBDOMAIN_HOST": "http://localhost:8000"}, "a name below which"),
        (
            {"JHUB_SUBDOMAIN_HOST": "https://b.org", "JHUB_PUBLIC_URL": "https://a.org/"},
            "the host of JHUB_PUBLIC_URL, https://a.org",
        ),
    ],
)
def test_an_address_that_cannot_be_is_named(
    environ: dict[str, str], part: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match=re.escape(part)):
        read(environ, tmp_path / "none.toml")


def test_addresses_are_taken_in_any_harmless_form(tmp_path: Path) -> None:
    environ = {
        "JHUB_BASE_URL": "/team/",
        "JHUB_PUBLIC_URL": "https://hub.example.org:8443/team",
        "JHUB_SUBDOMAIN_HOST": "https://hub.example.org:8443/",
    }
    found = read(environ, tmp_path / "none.toml")
    assert found.public_url == "https://hub.example.org:8443/team/"
    assert found.subdomain_host == "https://hub.example.org:8443"


@pytest.mark.parametrize(
    ("variables", "permitted"), [("", False), ("API_URL, TEAM_*", True), ("TEAM_*", False)]
)
def test_groups_set_what_the_operator_permits(
    variables: str, permitted: bool, tmp_path: Path
) -> None:
    path = toml(tmp_path, '[groups.a]\nenvironment = {API_URL = "x", TEAM_X = "y"}\n')
    environ = {"JHUB_GROUP_VARIABLES": variables}
    if permitted:
        assert read(environ, path).groups["a"].environment["API_URL"] == "x"
        return
    with pytest.raises(SettingsError, match=r"GROUP_VARIABLES, now (none|TEAM_\*) \(not API"):
        read(environ, path)


@pytest.mark.parametrize(
    "everything",
    ["*", "API_URL, *", "LD_*", "PATH", "BASH_ENV", "PYTHON*", "NODE_OPTIONS", "DYLD_*", "PHPRC"],
)
def test_what_groups_may_set_is_a_list_and_holds_no_name_that_decides_on_code(
    everything: str,
) -> None:
    with pytest.raises(SettingsError, match=r"JHUB_GROUP_VARIABLES.*names of variables, `\*`"):
        read({"JHUB_GROUP_VARIABLES": everything}, None)


IMAGE = """
[[images]]
reference = "registry.example/team/uv-lab:0.1.0"
name = "uv-lab"
jupyterhub = "6.1.1"
profiles.small = { mem_limit = "2G", cpu_limit = 2, cpu_guarantee = 1 }
"""


def test_images_in_a_registry_are_declared_in_the_file(tmp_path: Path) -> None:
    environ = {"JHUB_PULL_FROM": "registry.example/team/"}
    (image,) = read(environ, toml(tmp_path, IMAGE)).images
    assert image.label["profiles"]["small"]["mem_limit"] == "2G"


@pytest.mark.parametrize(
    ("pull_from", "text", "told"),
    [
        ("", IMAGE, "references that begin with JHUB_PULL_FROM, now ''"),
        ("registry.example/other/", IMAGE, "references that begin with JHUB_PULL_FROM"),
        ("registry.example/team/", IMAGE.replace('"2G"', '"lots"'), "small.mem_limit"),
        ("registry.example/team/", IMAGE.replace(":0.1.0", ""), "with a digest, a tag or both"),
        ("registry.example/team/", IMAGE.replace('jupyterhub = "6.1.1"', ""), "0.jupyterhub"),
        ("registry.example", "", "JHUB_PULL_FROM is 'registry.example'"),
    ],
)
def test_a_wrong_declaration_is_named(pull_from: str, text: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=re.escape(told)):
        read({"JHUB_PULL_FROM": pull_from}, toml(tmp_path, text))
