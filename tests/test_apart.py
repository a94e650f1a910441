"""What sessions with namespaces of their own leave in the folder of temporary files."""

import os
import tempfile
from pathlib import Path

import pytest

from jhub_docker.host.daemon import Daemon
from jhub_testing import apart


def test_what_killed_sessions_left_is_removed_by_the_next_one_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not what another session has, nor engines that somebody left running."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(Daemon, "answers", lambda self: "kept" in str(self.socket))
    held: list[int] = []
    monkeypatch.setattr(apart, "_held", held)
    own = apart.folder("swarm")
    for name in ("killed/second", "kept/manager"):
        (tmp_path / f"jhub-swarm-{name}").mkdir(parents=True)
        (tmp_path / f"jhub-swarm-{name}" / "docker.sock").touch()
    (tmp_path / "jhub-drills-1").mkdir()
    (own / "data").touch()
    with pytest.MonkeyPatch.context() as elsewhere:
        elsewhere.setattr(Path, "readlink", lambda _: Path("net:[7]"))
        another = apart.folder("swarm")
    found = {one.name for one in tmp_path.iterdir()}
    assert found == {own.name, another.name, "jhub-swarm-kept", "jhub-drills-1"}
    assert (own / "data").exists()
    for one in held:
        os.close(one)
    assert not (apart.folder("swarm") / "data").exists(), "its number, given again"
    assert not another.exists()
    os.close(held[-1])
