"""A setting is declared once: the table, the Compose block and the filter's policy follow from it.

JHUB_TEST_WRITE_DOCS=1 writes `compose.yaml` and README.md instead of comparing them.
"""

import os
from pathlib import Path

import pytest
import yaml
from traitlets.config import Config

from engine_filter import policy
from hub_config import SettingsError, concerns
from hub_config.settings import Settings, declaration, reading
from hub_config.settings.declaration import listed, setting
from hub_config.settings.values import Seconds

PACKAGE = Path(__file__).parents[2]
COMPOSE, README = PACKAGE.parents[1] / "compose.yaml", PACKAGE / "README.md"
MADE = {
    COMPOSE: lambda text: declaration.compose_block(text, Settings),
    README: lambda _text: declaration.readme_table(Settings),
}


@pytest.mark.parametrize("path", MADE, ids=lambda path: path.name)
def test_what_is_generated_is_not_stale(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    wanted = declaration.replaced(text, MADE[path](text))
    if os.environ.get("JHUB_TEST_WRITE_DOCS"):
        path.write_text(wanted, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == wanted


def test_compose_hands_every_setting_to_hub_filter_and_guard() -> None:
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    for name in ("hub", "engine", "guard"):
        variables = {one.variable for one in listed(Settings) if not one.table}
        variables |= {f"{one}_FILE" for one in reading.secret_variables()}
        handed = {one for one in services[name]["environment"] if one.startswith("JHUB_")}
        assert handed == variables


class WithSpoons(Settings):
    """The settings with one more: all that has to be written for it."""

    spoons: Seconds = setting(4, trait="UserContainerSpawner.spoons", enforced_by="filter")
    """Spoons a server gets."""


def test_a_new_setting_is_one_declaration(tmp_path: Path) -> None:
    none, path = tmp_path / "none.toml", tmp_path / "config.toml"
    assert reading.read_as(WithSpoons, {}, none).spoons == 4
    settings = reading.read_as(WithSpoons, {"JHUB_SPOONS": "7"}, none)
    assert settings.spoons == 7
    with pytest.raises(SettingsError, match=r"JHUB_SPOONS is '0'.*Spoons a server gets.*4"):
        reading.read_as(WithSpoons, {"JHUB_SPOONS": "0"}, none)
    path.write_text("spoons = 7\n")
    with pytest.raises(SettingsError, match="set JHUB_SPOONS instead"):
        reading.read_as(WithSpoons, {}, path)
    assert "| `JHUB_SPOONS` | `4` | Spoons a server gets. | filter |" in declaration.readme_table(
        WithSpoons
    )
    assert "  JHUB_SPOONS:\n" in declaration.compose_block(COMPOSE.read_text(), WithSpoons) + "\n"
    c = Config()
    concerns.plain(c, settings)
    assert c.UserContainerSpawner.spoons == 7
    held = policy.from_settings(settings).settings
    assert held == c.UserServerSpawner.enforced
    assert held.spoons == 7  # type: ignore[attr-defined]


def test_the_filter_holds_a_hub_to_one_frozen_value_whatever_its_file_says(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("idle_timeout = 60\n")
    environ = {"JHUB_PIDS_LIMIT": "300", "JHUB_SUDO_PROFILES": "uv-lab-small"}
    hub, engine = reading.read(environ, path), reading.read(environ, None)
    assert hub != engine
    assert hub.enforced == engine.enforced
    with pytest.raises(ValueError, match="frozen"):
        hub.enforced.pids_limit = 5  # type: ignore[misc]


def test_the_class_itself_reads_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JHUB_PIDS_LIMIT", "300")
    monkeypatch.setenv("PIDS_LIMIT", "300")
    assert Settings().pids_limit == 4096
