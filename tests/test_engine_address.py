"""The engine is found where the Docker CLI would find it, and a failure says why."""

import json
import os
import socket
from hashlib import sha256
from pathlib import Path

import pytest

from jhub_docker.engine import address
from jhub_docker.errors import UsageError


@pytest.fixture
def docker_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty configuration folder of the Docker CLI, and no variable that overrides it."""
    for variable in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    (tmp_path / "config.json").write_text("{}")
    return tmp_path


def add_context(folder: Path, name: str, host: str) -> None:
    """What `docker context create` and `docker context use` write."""
    meta = folder / "contexts" / "meta" / sha256(name.encode()).hexdigest() / "meta.json"
    meta.parent.mkdir(parents=True)
    meta.write_text(
        json.dumps({"Name": name, "Metadata": {}, "Endpoints": {"docker": {"Host": host}}})
    )
    (folder / "config.json").write_text(json.dumps({"currentContext": name}))


def test_the_default_is_the_default_socket(docker_config: Path) -> None:
    assert address.address() == "unix:///var/run/docker.sock"
    assert address.builder_name() == "default"
    assert address.is_default(address.address())


def test_the_current_context_is_followed(docker_config: Path) -> None:
    add_context(docker_config, "far", "tcp://far.example:2376")
    assert address.address() == "tcp://far.example:2376"
    assert address.builder_name() == "far"
    assert not address.is_default(address.address())


def test_docker_context_goes_before_the_current_one(
    docker_config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_context(docker_config, "far", "tcp://far.example:2376")
    monkeypatch.setenv("DOCKER_CONTEXT", "default")
    assert address.address() == "unix:///var/run/docker.sock"


def test_docker_host_goes_before_every_context(
    docker_config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_context(docker_config, "far", "tcp://far.example:2376")
    monkeypatch.setenv("DOCKER_CONTEXT", "far")
    monkeypatch.setenv("DOCKER_HOST", "unix:///elsewhere.sock")
    assert address.address() == "unix:///elsewhere.sock"
    assert address.builder_name() == "default"


def test_a_context_that_is_not_there_is_an_error_and_not_the_default_engine(
    docker_config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_CONTEXT", "gone")
    with pytest.raises(UsageError, match='context "gone" does not exist'):
        address.client()


def test_no_socket_is_said_so(
    docker_config: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(address.UnreachableError, match="no such socket"):
        address.client()


def test_a_socket_without_a_listener_is_said_so(
    docker_config: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "dead.sock"
    with socket.socket(socket.AF_UNIX) as closed:
        closed.bind(str(path))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    with pytest.raises(address.UnreachableError, match="nothing listens"):
        address.client()


def test_a_forbidden_socket_names_the_group(
    docker_config: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def forbidden(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/any.sock")
    monkeypatch.setattr(socket.socket, "connect", forbidden)  # root is forbidden nothing
    with pytest.raises(address.UnreachableError, match="group docker") as raised:
        address.client()
    assert raised.value.denied


def test_the_cli_is_not_led_to_another_builder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\nenv\n")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("BUILDX_BUILDER", "other")
    monkeypatch.setenv("DOCKER_HOST", "tcp://a")
    passed = address.docker("version").out.splitlines()
    assert {"DOCKER_HOST=tcp://a", "DOCKER_CLI_HINTS=false"} <= set(passed)
    assert "BUILDX_BUILDER=other" not in passed


def test_ssh_is_spoken_and_a_failure_says_how_to_try_it(
    docker_config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ssh = docker_config / "ssh"
    ssh.write_text("#!/bin/sh\nexit 255\n")
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", str(docker_config), prepend=":")
    monkeypatch.setenv("DOCKER_HOST", "ssh://me@box.example")
    with pytest.raises(address.UnreachableError, match=r"--host ssh:.* tries it"):
        address.client()
