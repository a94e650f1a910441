"""Credentials come from Docker's configuration, helper programs included, and stay out of sight."""

import base64
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jhub_docker.errors import ActionError
from jhub_docker.host import programs as tools
from jhub_docker.oci.layout import Descriptor, Layout
from jhub_docker.registry.reference import Reference
from jhub_docker.registry.remote import Remote
from jhub_docker.registry.version_tags import publish_tags
from jhub_testing.registry import Registry

MakeImage = Callable[..., Descriptor]
NAME, PASSWORD = "ann", "correct-horse-4711"

# As Docker's protocol has it: the registry on standard input, the answer as JSON.
HELPER = """#!{python}
import json, pathlib, sys
pathlib.Path({log!r}).open("a").write(" ".join(sys.argv) + "\\n")
if sys.argv[1] != "get" or sys.stdin.read().strip() != {registry!r}:
    sys.exit("credentials not found in native keychain")
print(json.dumps({{"ServerURL": {registry!r}, "Username": {name!r}, "Secret": {password!r}}}))
"""

# Every run of oras leaves its arguments in a file; nothing else of it is changed.
SHIM = """#!/bin/sh
printf '%s\\n' "$*" >> "{log}"
exec "{oras}" "$@"
"""


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    folder = tmp_path / "registry"
    folder.mkdir()
    with Registry(folder, people={NAME: PASSWORD}) as running:
        yield running


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that comes first on PATH, with an oras that writes down its arguments."""
    folder = tmp_path / "bin"
    folder.mkdir()
    script(folder / "oras", SHIM.format(log=tmp_path / "argv", oras=tools.program("oras")))
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    return folder


@pytest.fixture
def log_in(
    tmp_path: Path, programs: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], None]:
    """Writes a Docker configuration of one of three kinds."""

    def configure(kind: str) -> None:
        coded = base64.b64encode(f"{NAME}:{PASSWORD}".encode()).decode()
        configuration = {
            "auths": {"auths": {registry.address: {"auth": coded}}},
            "credsStore": {"credsStore": "jhubtest"},
            "credHelpers": {"credHelpers": {registry.address: "jhubtest"}},
            "missing helper": {"credHelpers": {registry.address: "nowhere"}},
            "none": {},
        }[kind]
        script(
            programs / "docker-credential-jhubtest",
            HELPER.format(
                python=sys.executable,
                log=str(tmp_path / "argv"),
                registry=registry.address,
                name=NAME,
                password=PASSWORD,
            ),
        )
        folder = tmp_path / "docker"
        folder.mkdir()
        (folder / "config.json").write_text(json.dumps(configuration))
        monkeypatch.setenv("DOCKER_CONFIG", str(folder))

    return configure


def script(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


@pytest.mark.parametrize("kind", ["auths", "credsStore", "credHelpers"])
def test_a_release_uses_dockers_credentials_and_shows_none(
    kind: str, registry: Registry, remote: Remote, repository: Reference, layout: Layout,
    make_image: MakeImage, log_in: Callable[[str], None], tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    log_in(kind)
    image = make_image(b"a layer" * 10_000, b"another" * 10_000)
    registry.gate.fail(lambda request: request.method == "PUT", "cut")
    pushed = remote.push(layout, image, repository)
    assert publish_tags(remote, pushed, "1.2.0") == ["1.2.0", "1", "1.2", "latest"]
    remote.pull(repository.tagged("1.2.0"), Layout(tmp_path / "other"))
    with pytest.raises(ActionError):
        remote.manifest(repository.at("sha256:" + "0" * 64))

    printed = capfd.readouterr()
    arguments = (tmp_path / "argv").read_text()
    assert "; again " in printed.err
    assert arguments.count("manifest fetch") > 3
    assert ("docker-credential-jhubtest get" in arguments) == (kind != "auths")
    shown = f"{printed.out}\n{printed.err}\n{arguments}\n{registry.log.read_text()}"
    for secret in (PASSWORD, base64.b64encode(f"{NAME}:{PASSWORD}".encode()).decode().strip("=")):
        assert secret not in shown


def test_without_credentials_one_is_told_to_log_in(
    registry: Registry, remote: Remote, repository: Reference, log_in: Callable[[str], None]
) -> None:
    log_in("none")
    with pytest.raises(ActionError, match=f"run `docker login {registry.address}`"):
        remote.resolve(repository.tagged("1.2.0"))
    assert len(registry.gate.requests) <= 2, "a refusal that lasts was asked for again"


def test_wrong_credentials_are_not_tried_again(
    registry: Registry, remote: Remote, repository: Reference, layout: Layout,
    make_image: MakeImage, log_in: Callable[[str], None], tmp_path: Path,
) -> None:  # fmt: skip
    log_in("auths")
    config = tmp_path / "docker" / "config.json"
    wrong = base64.b64encode(f"{NAME}:wrong".encode()).decode()
    config.write_text(json.dumps({"auths": {registry.address: {"auth": wrong}}}))
    with pytest.raises(ActionError, match="does not accept these credentials"):
        remote.push(layout, make_image(b"layer"), repository)


def test_a_missing_helper_is_named(
    registry: Registry, remote: Remote, repository: Reference, log_in: Callable[[str], None]
) -> None:
    log_in("missing helper")
    with pytest.raises(ActionError, match=r"the credential helper .*docker-credential-nowhere"):
        remote.resolve(repository.tagged("1.2.0"))


def test_the_shim_is_what_is_run(programs: Path) -> None:
    assert shutil.which("oras") == str(programs / "oras") == str(tools.program("oras"))
