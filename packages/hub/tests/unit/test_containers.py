"""What the hub's container looks at before it becomes JupyterHub."""

import os
import socket
from pathlib import Path

import pytest

from hub_config import SettingsError
from hub_config.start import require_own, wait_for_engine


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
