"""What the hub's container looks at before it becomes JupyterHub."""

import os
import socket
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from jupyterhub import app

from hub_config import SettingsError
from hub_config.start import become, require_own, wait_for_engine


def test_a_volume_of_its_own_is_closed_to_others(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    require_own(tmp_path)
    assert tmp_path.stat().st_mode & 0o777 == 0o700


def test_a_volume_of_another_user_is_told_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 990)
    with pytest.raises(SettingsError, match=r"not to the hub's, 990.*chown -R jupyterhub"):
        require_own(tmp_path)


def test_a_volume_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="nowhere cannot be used"):
        require_own(tmp_path / "nowhere")


def test_the_hub_starts_once_the_filter_listens_and_gives_up_in_time(tmp_path: Path) -> None:
    path = tmp_path / "docker.sock"
    with pytest.raises(SystemExit, match="does the service `engine` run"):
        wait_for_engine(path, 0.05)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        wait_for_engine(path, 5)


def test_it_goes_on_in_its_own_process_which_has_imported_the_half(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun: list[tuple[int, list[str]]] = []
    monkeypatch.setattr(sys, "argv", ["hub_config", "hub"])
    monkeypatch.setattr(app, "main", lambda: begun.append((os.getpid(), sys.argv)))
    with pytest.raises(SystemExit):
        become(["jupyterhub", "--config", "x"])
    assert begun == [(os.getpid(), ["jupyterhub", "--config", "x"])]


def test_no_parser_is_made_at_each_start_that_nothing_uses() -> None:
    assert find_spec("jsonschema"), "jupyter-events has another way to judge schemas: look again"
    assert find_spec("rfc3987_syntax") is None
