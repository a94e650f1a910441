"""Whatever is wrong with a setting is said in words of the platform's, with what would be right."""

import re
from pathlib import Path

import pytest

from hub_config import SettingsError
from hub_config.settings import Settings
from hub_config.settings.declaration import listed
from hub_config.settings.reading import read

NONSENSE = ("-1", "nonsense !", "9" * 30, "inf", "2.5", "x" * 200, "/x/../", "http://[", "a,b:c")

PYDANTICS = re.compile(r"should|must|[Ii]nput|[Vv]alid|String|Dictionary|instance of|\[key\]|\^|\\")
"""What its own messages have: no refusal is one of them, or shows a regular expression."""

ANYTHING = {
    *("logo", "announcement", "default_profile", "sudo_profiles", "gpu_profiles", "sharing"),
    *("mail_from", "storage_class", "folder_class"),
}
"""Settings that take any text: what is in it is judged by others."""


def refused(environ: dict[str, str], file: Path | None = None) -> list[str]:
    """What each refusal says is allowed."""
    try:
        read(environ, file)
    except SettingsError as error:
        return re.findall(r"allowed: (.*?)\. \(", str(error))
    return []


@pytest.mark.parametrize(
    "variable",
    [
        one.variable
        for one in listed(Settings)
        if not (one.table or one.secret or one.name in ANYTHING)
    ],
)
def test_every_setting_says_in_words_what_it_takes(variable: str) -> None:
    told = [said for value in NONSENSE for said in refused({variable: value})]
    assert told
    assert [said for said in told if PYDANTICS.search(said)] == []


IMAGE = '[[images]]\nreference = "registry.example/a:1"\njupyterhub = "6.1.1"\nname = "a"\n'
SIZE = f'{IMAGE}[images.profiles.small]\nmem_limit = "2G"\n'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("oidc = 'x'", "a table [oidc]"),
        ("images = 'x'", "tables [[images]]"),
        ("groups = [1]", "a table [groups]"),
        ("[groups.a]\nprofiles = 'x'", 'a list such as ["one", "two"]'),
        ("[groups.a]\nfolders = 3", "a table"),
        ("[groups.a.folders]\nA = 'read-only'", "up to 63 letters a-z"),
        ("[groups.a]\nserver_limit = 'x'", "a whole number"),
        ("[groups.a.environment]\nPATH = 'x'", "a name such as TEAM_URL (PATH has a meaning"),
        ("[groups.a.environment]\nA_B = 3", "text in quotes"),
        (f"{IMAGE}[images.profiles]\n", "at least one entry"),
        (SIZE.replace("2G", "2Q"), "a number and K, M, G or T, such as 2G"),
        (f"{SIZE}cpu_limit = 0", "more than 0"),
        (f"{SIZE}gpus = 'x'", "a table"),
        (f'{SIZE}gpus = {{kind = "x"}}', "a kind of device such as nvidia.com/gpu"),
        (SIZE.replace("6.1.1", "six"), "a version such as 6.1.1"),
        ("ldap = {server_address = 3}", "text in quotes"),
        ("ldap = {server_address = 'x'}", "allow_all, allowed_users, allowed_groups"),
    ],
)
def test_every_entry_of_a_table_says_in_words_what_it_takes(
    text: str, told: str, tmp_path: Path
) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    allowed = refused({}, path)
    assert any(one.startswith(told) for one in allowed), allowed
    assert not any(PYDANTICS.search(one) for one in allowed), allowed
