"""An operator's own Python: loaded last, explained when broken, and no way around the filter."""

import json
from pathlib import Path
from typing import Any

import pytest
from docker.types import HostConfig
from traitlets.config import Config

from engine_filter.calls import Refused
from engine_filter.policy import from_settings
from hub_config import SettingsError, start
from hub_config import __main__ as program
from hub_config.first_start import Places
from hub_config.settings import Settings, reading
from hub_config.spawning import options

from .filter_world import PROFILE, WORLD, ask, forwarded, hostile


def write(places: Places, **texts: str) -> Path:
    places.config_d.mkdir(exist_ok=True)
    for name, text in texts.items():
        (places.config_d / f"{name}.py").write_text(text, encoding="utf-8")
    return places.config_d


def test_they_are_loaded_last_in_the_order_of_their_names(applied: Config, places: Places) -> None:
    last = "c.JupyterHub.implicit_spawn_seconds += 1\nget_config().JupyterHub.log_level = 'DEBUG'"
    folder = write(places, b=last, a="c.JupyterHub.implicit_spawn_seconds = 5")
    (folder / "notes.txt").write_text("no Python")
    (folder / ".#a.py").symlink_to("an editor's lock")
    assert [path.name for path in start.load_own(applied, folder)] == ["a.py", "b.py"]
    assert applied.JupyterHub.implicit_spawn_seconds == 6
    assert applied.JupyterHub.log_level == "DEBUG"


def test_without_the_folder_there_is_nothing_to_load(applied: Config, places: Places) -> None:
    assert start.load_own(applied, places.config_d) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x = 1\ny = = 2\n", r"mine.py, line 2: SyntaxError: invalid syntax"),
        ("x = 1\n\nc.JupyterHub.port = nowhere\n", r"line 3: NameError: name 'nowhere'"),
        ("import json\njson.loads('{')\n", r"line 2: JSONDecodeError: "),
        ("import no_such_module\n", r"line 1: ModuleNotFoundError: No module named"),
        ("raise SystemExit('enough')\n", r"line 1: SystemExit: enough"),
        ("x = '\ud800'\n".encode("utf-8", "surrogatepass").decode("latin-1"), None),
        ("c.UserServerSpawner.enforced = None\n", r"changes UserServerSpawner.enforced"),
    ],
)
def test_a_broken_one_is_one_sentence_with_file_and_line(
    applied: Config, places: Places, text: str, told: str | None
) -> None:
    folder = write(places, mine=text)
    if told is None:
        (folder / "mine.py").write_bytes(b"x = '\xff'\n")
        told = "mine.py"
    with pytest.raises(SettingsError, match=told) as caught:
        start.load_own(applied, folder)
    assert "Traceback" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_start_ends_with_the_sentence_and_exit_code_2(
    applied: Config, places: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        start.load_or_end(applied, write(places, mine="1 / 0"))
    assert ended.value.code == 2
    assert "mine.py, line 1: ZeroDivisionError" in capsys.readouterr().err


def test_config_check_runs_and_names_them(
    places: Places, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(program, "Places", lambda **_: places)
    folder = write(places, a="c.JupyterHub.services.append({'name': 'mine'})")
    assert program.check() == 0
    assert f"Loaded last, after all settings: {folder / 'a.py'}" in capsys.readouterr().out
    write(places, b="c.JupyterHub.services.append(\n")
    with pytest.raises(SettingsError, match=r"b.py, line 1: SyntaxError"):
        program.check()


HOSTILE = {
    "privileged": "c.DockerSpawner.extra_host_config = {'privileged': True}",
    "the host's root": "c.DockerSpawner.extra_host_config = {'binds': ['/:/host:rw']}",
    "all capabilities": "c.DockerSpawner.extra_host_config = {'cap_add': ['ALL']}",
    "no limit of memory": "c.DockerSpawner.extra_host_config = {'mem_limit': 0}",
    "a library before all others": "c.Spawner.environment = {'LD_PRELOAD': '/home/nebula/x.so'}",
    "root": "c.DockerSpawner.extra_create_kwargs = {'user': 'root'}",
    "another setting, around the check": (
        "object.__setattr__(c.UserServerSpawner.enforced, 'pids_limit', 10**6)\n"
        "vars(c.UserServerSpawner.enforced)['pids_limit'] = 10**6"
    ),
    "another environment": "import os\nos.environ['JHUB_PIDS_LIMIT'] = '1000000'\n"
    "c.DockerSpawner.extra_host_config = {'pids_limit': 1000000}",
    "another file": "import pathlib\npathlib.Path(__file__).parents[1].joinpath('config.toml')"
    ".write_text('pids_limit = 1000000')\n"
    "c.DockerSpawner.extra_host_config = {'pids_limit': 1000000}",
    "the filter's rules": "from engine_filter import host_config\nhost_config.SETTLED = ()\n"
    "c.DockerSpawner.extra_host_config = {'pids_limit': 1000000}",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_none_of_them_gets_past_the_filter(
    applied: Config, places: Places, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The filter is a process of its own: what it knows, it has from its own environment."""
    from engine_filter import host_config  # noqa: PLC0415

    monkeypatch.setattr(host_config, "SETTLED", host_config.SETTLED)
    monkeypatch.delenv("JHUB_PIDS_LIMIT", raising=False)
    environment: dict[str, str] = {}
    start.load_own(applied, write(places, mine=text))
    monkeypatch.undo()
    policy = from_settings(reading.read(environment, default_file=None))
    body = creation_of(applied)
    with pytest.raises(Refused):
        ask("POST", TARGET, json.dumps(body), policy)
    assert policy == from_settings(Settings())


TARGET = f"/v1.45/containers/create?name={WORLD.name}"


def creation_of(c: Config) -> dict[str, Any]:
    """A creation as the spawner would make it of this configuration."""
    made = options.host_config(PROFILE, c.UserServerSpawner.enforced)
    made |= c.DockerSpawner.get("extra_host_config", {})
    body = hostile.creation(WORLD)
    body["HostConfig"] |= HostConfig(version="1.45", network_mode=WORLD.server_network, **made)
    body["Env"] += [f"{name}={value}" for name, value in c.Spawner.environment.items()]
    body["User"] = c.DockerSpawner.get("extra_create_kwargs", {}).get("user")
    return body


def test_what_a_harmless_one_makes_passes(applied: Config, places: Places) -> None:
    start.load_own(applied, write(places, mine="c.Spawner.environment['API_URL'] = 'x'"))
    policy = from_settings(Settings(group_variables="API_URL"))
    passed = forwarded("POST", TARGET, creation_of(applied), policy)
    assert passed.body is not None
    assert "API_URL=x" in passed.body["Env"]
