"""Each thing that an engine or a client may lack has a message of its own."""

from types import SimpleNamespace
from typing import Any

import pytest

from jhub_docker.engine import checks, quick
from jhub_docker.errors import ActionError, UsageError
from jhub_docker.process import Ended


@pytest.mark.parametrize("version", ["25.0.0", "26.1.5+dfsg1", "28.2.2", "unknown"])
def test_an_engine_new_enough_is_fine(version: str) -> None:
    assert checks.judge_engine(version, "linux") is None


def test_an_old_engine_is_told_what_is_needed() -> None:
    said = checks.judge_engine("20.10.24+dfsg1", "linux")
    assert said is not None
    assert "20.10.24" in said
    assert "25.0 or newer" in said


def test_an_engine_of_windows_containers_is_refused() -> None:
    assert "Linux containers" in str(checks.judge_engine("28.0.0", "windows"))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("github.com/docker/buildx 0.13.1 0.13.1+ds1-3", None),
        ("github.com/docker/buildx v0.29.1-desktop.1 abc", None),
        ("github.com/docker/buildx v0.9.1 abc", "version 0.9.1"),
        (None, "has no buildx"),
        ("", "has no buildx"),
    ],
)
def test_buildx_is_judged_by_what_it_prints(
    said: str | None, expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def docker(plugin: str, _: str) -> Ended:
        asked.append(plugin)
        return Ended(1, b"docker: no command") if said is None else Ended(0, said.encode())

    monkeypatch.setattr(checks, "docker", docker)
    wrong = checks.wrong_plugins({"buildx", "disk"})
    assert asked == ["buildx"], "plugins are asked only where they are needed"
    assert wrong == {} if expected is None else expected in wrong["buildx"]


def test_a_disk_nearly_full_says_how_much_is_left() -> None:
    assert checks.judge_disk("/var/lib/docker", 5_000_000_000, 5) is None
    said = checks.judge_disk("/var/lib/docker", 4_900_000_000, 5)
    assert "/var/lib/docker) has 4.9 GB left, and 5 GB" in str(said)


def test_the_threshold_is_a_number_or_an_error_that_names_it() -> None:
    assert checks.minimum_free_gb(None) == checks.MIN_FREE_GB
    assert checks.minimum_free_gb("0.5") == 0.5
    with pytest.raises(UsageError, match="JHUB_DOCKER_MIN_FREE_GB is 'much'"):
        checks.minimum_free_gb("much")


@pytest.mark.parametrize(
    ("info", "address"),
    [
        ({"DockerRootDir": "/"}, "tcp://there.example:2376"),
        ({"DockerRootDir": "/nowhere/at/all"}, "unix:///run/docker.sock"),
        ({"DockerRootDir": "/", "OperatingSystem": "Docker Desktop"}, "unix:///run/docker.sock"),
    ],
)
def test_a_disk_that_is_not_this_machines_is_not_judged(info: dict[str, Any], address: str) -> None:
    assert checks.free_bytes(info, address) is None


@pytest.fixture
def old_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine of Debian 12's version with a data root here."""
    there = SimpleNamespace(
        version=lambda: {"Version": "20.10.24", "Os": "linux"}, info=lambda: {"DockerRootDir": "/"}
    )
    monkeypatch.setattr(checks, "client", lambda: there)
    monkeypatch.setattr(quick, "server", lambda: None)


@pytest.mark.usefixtures("old_engine")
def test_all_problems_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///run/docker.sock")
    monkeypatch.setenv("JHUB_DOCKER_MIN_FREE_GB", "1e9")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ActionError) as raised:
        checks.check()
    lines = str(raised.value).splitlines()
    assert [line.split()[2] for line in lines] == ["Engine", "client", "client", "of"]


@pytest.mark.usefixtures("old_engine")
def test_a_wrong_setting_is_told_where_the_disk_is_not_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("JHUB_DOCKER_MIN_FREE_GB", "abc")
    with pytest.raises(UsageError, match="JHUB_DOCKER_MIN_FREE_GB is 'abc'"):
        checks.check(needs=())
