"""Settings: found, checked, and explained when they are wrong."""

import inspect
import re
from pathlib import Path

import pytest
import yaml

from engine_filter.policy import Policy
from hub_config.errors import SettingsError
from hub_config.reading import read
from hub_config.settings import ENVIRONMENT_ONLY, Settings, variable, variables
from hub_config.spawning.container.options import Operator

PACKAGE = Path(__file__).parents[2]
COMPOSE = PACKAGE.parents[1] / "compose.yaml"


def toml(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_defaults_without_environment_and_file(tmp_path: Path) -> None:
    assert read({}, tmp_path / "none.toml") == Settings()


def test_environment_comes_before_the_file(tmp_path: Path) -> None:
    path = toml(tmp_path, "idle_timeout = 60\nmax_age = 500\n")
    settings = read({"JHUB_IDLE_TIMEOUT": "120"}, path)
    assert (settings.idle_timeout, settings.max_age) == (120, 500)


def test_what_the_filter_enforces_is_not_taken_from_the_hubs_file(tmp_path: Path) -> None:
    path = toml(tmp_path, 'ca_bundle = "/etc/shadow"\n')
    with pytest.raises(SettingsError, match="set JHUB_CA_BUNDLE instead"):
        read({}, path)
    assert read({"JHUB_CONFIG": str(path)}, None) == Settings()


def test_all_that_the_filter_enforces_is_marked_so() -> None:
    compared = {*inspect.signature(Policy).parameters, *inspect.signature(Operator).parameters}
    assert compared - {"operator"} <= ENVIRONMENT_ONLY | {"volume_prefix"}


def test_an_empty_variable_counts_as_not_set(tmp_path: Path) -> None:
    assert read({"JHUB_NB_UID": ""}, tmp_path / "none.toml").nb_uid is None


def test_other_programs_variables_do_not_matter(tmp_path: Path) -> None:
    assert read({"JUPYTERHUB_API_URL": "x", "PATH": "y"}, tmp_path / "none.toml") == Settings()


@pytest.mark.parametrize(
    ("environ", "parts"),
    [
        ({"JHUB_IDLE_TIMEOUT": "soon"}, ["JHUB_IDLE_TIMEOUT", "'soon'", "integer", "3600"]),
        ({"JHUB_SIGNUP": "perhaps"}, ["JHUB_SIGNUP", "'perhaps'", "'approval'"]),
        ({"JHUB_ALLOW_NAMED_SERVERS": "often"}, ["NAMED_SERVERS", "'often'", "boolean"]),
        ({"JHUB_TRUSTED_PROXIES": "me"}, ["JHUB_TRUSTED_PROXIES", "'me'", "10.0.0.5"]),
        ({"JHUB_AUTHENTICATOR": "saml"}, ["JHUB_AUTHENTICATOR", "'saml'", "'oidc'"]),
        ({"JHUB_LOG_LEVEL": "LOUD"}, ["JHUB_LOG_LEVEL", "'LOUD'", "'DEBUG'"]),
        ({"JHUB_BASE_URL": "team"}, ["JHUB_BASE_URL", "'team'", "slash"]),
        ({"JHUB_CA_BUNDLE": "ca.pem"}, ["JHUB_CA_BUNDLE", "'ca.pem'", "absolute path"]),
        ({"JHUB_IDLE_TIMEOT": "1"}, ["JHUB_IDLE_TIMEOT", "did you mean JHUB_IDLE_TIMEOUT?"]),
        ({"JHUB_USERNAME_PATTERN": "["}, ["JHUB_USERNAME_PATTERN", "regular expression"]),
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


def test_compose_hands_every_setting_to_the_hub() -> None:
    environment = yaml.safe_load(COMPOSE.read_text())["services"]["hub"]["environment"]
    assert set(environment) == set(variables())


def test_the_readme_describes_every_setting_with_its_default() -> None:
    readme = (PACKAGE / "README.md").read_text()
    described = dict(re.findall(r"^\| `(JHUB_[A-Z0-9_]+)` \| `?(.*?)`? \|", readme, re.MULTILINE))
    for name in variables().values():
        field = Settings.model_fields[name]
        default = "" if field.default in ("", None) else str(field.default)
        assert described.get(variable(name)) == default.replace("|", "\\|"), name


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
