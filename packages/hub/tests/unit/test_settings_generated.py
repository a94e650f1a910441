"""A setting is declared once: the table, the Compose block and the filter's policy follow from it.

JHUB_TEST_WRITE_DOCS=1 writes `compose.yaml` and README.md instead of comparing them.
"""

import os
import re
from pathlib import Path

import pytest
import yaml
from pydantic_settings import BaseSettings
from traitlets.config import Config

from engine_filter import policy
from hub_config import SettingsError, concerns
from hub_config.settings import Settings, reading
from hub_config.settings.declaration import listed, setting
from hub_config.settings.values import Seconds

PACKAGE = Path(__file__).parents[2]
COMPOSE, README = PACKAGE.parents[1] / "compose.yaml", PACKAGE / "README.md"

BEGIN, END = "generated from hub_config.settings: begin", "generated from hub_config.settings: end"
"""Comments around what is made here."""


def readme_table(kind: type[BaseSettings]) -> str:
    """The rows of README.md."""
    rows = ["| variable | default | meaning | enforced by |", "| --- | --- | --- | --- |"]
    for one in listed(kind):
        if not one.table:
            default = f"`{one.shown_default}`" if one.shown_default else ""
            cells = (f"`{one.variable}`", default, one.meaning, one.enforced_by or "")
            rows.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(rows)


def compose_block(compose: str, kind: type[BaseSettings]) -> str:
    """The variables that `compose.yaml` hands on.

    One that the file uses itself has its default there too, so that both always mean the same.
    """
    outside = replaced(compose, "")
    lines = []
    for one in listed(kind):
        if not one.table:
            used = re.search(rf"\$\{{{one.variable}\b", outside)
            value = f" ${{{one.variable}:-{one.shown_default}}}" if used else ""
            lines.append(f"  {one.variable}:{value}")
            if one.secret:
                lines.append(f"  {one.variable}_FILE:")
    return "\n".join(lines)


def replaced(text: str, content: str) -> str:
    """`text` with `content` between its two comments."""
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    first, last = rest.partition("\n")[0], rest[: rest.index(END)].rpartition("\n")[2]
    return f"{head}{begin}{first}\n{content}\n{last}{end}{tail}"


MADE = {
    COMPOSE: lambda text: compose_block(text, Settings),
    README: lambda _text: readme_table(Settings),
}


@pytest.mark.parametrize("path", MADE, ids=lambda path: path.name)
def test_what_is_generated_is_not_stale(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    wanted = replaced(text, MADE[path](text))
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
    assert "| `JHUB_SPOONS` | `4` | Spoons a server gets. | filter |" in readme_table(WithSpoons)
    assert "  JHUB_SPOONS:\n" in compose_block(COMPOSE.read_text(), WithSpoons) + "\n"
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
