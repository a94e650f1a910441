"""What is done, and what is said, where no engine answers or its client lacks something."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from jhub_docker.errors import ActionError, UsageError
from jhub_docker.host import apt, packages, setup
from jhub_docker.host.daemon import Daemon

ALL = frozenset(packages.PARTS)
PROBLEM = "no Docker Engine answers"


def machine(
    *, root: bool = True, systemd: bool = False, apt: bool = True, present: frozenset[str]
) -> setup.Machine:
    release = {"ID": "debian", "VERSION_CODENAME": "trixie"}
    return setup.Machine(release, root, systemd, apt, present, frozenset())


def test_root_on_debian_gets_what_is_missing() -> None:
    made = setup.decide(machine(present=frozenset()), running=False, problem=PROBLEM)
    assert made is not None
    assert "docker.io" in made.packages


def test_an_installed_engine_is_only_started() -> None:
    assert setup.decide(machine(present=ALL), running=False, problem=PROBLEM) is None


def test_an_engine_that_answers_is_not_installed_beside() -> None:
    present = frozenset({"client", "buildx"})
    made = setup.decide(machine(present=present), running=True, problem="no Compose")
    assert made == packages.PackagePlan(("docker-compose",))


@pytest.mark.parametrize(
    ("where", "said"),
    [
        (machine(root=False, systemd=True, present=ALL), "sudo systemctl start docker"),
        (machine(root=False, present=ALL), "sudo dockerd"),
        (machine(root=False, present=frozenset()), "As root, `./dev invoke engine.start`"),
        (machine(apt=False, present=frozenset()), "Docker Desktop"),
    ],
)
def test_where_it_cannot_be_set_up_the_message_says_what_to_do(
    where: setup.Machine, said: str
) -> None:
    with pytest.raises(ActionError, match=said) as raised:
        setup.decide(where, running=False, problem=PROBLEM)
    assert str(raised.value).startswith(PROBLEM)


def test_an_engine_elsewhere_is_never_set_up_here(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def unexpected() -> setup.Machine:
        raise AssertionError("looked at this machine for an engine that is elsewhere")

    monkeypatch.setattr(setup, "read_machine", unexpected)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(ActionError, match="no such socket"):
        setup.require(assume_yes=True)


@pytest.mark.parametrize("act", [setup.start, setup.stop])
def test_this_machines_engine_is_left_where_another_is_in_use(
    monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]
) -> None:
    def unexpected() -> Daemon:
        raise AssertionError("the engine of this machine was looked for")

    monkeypatch.setattr(setup, "Daemon", unexpected)
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    with pytest.raises(UsageError, match="the engine in use is at tcp://"):
        act()


@pytest.fixture
def says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Has apt tell of these archives."""

    def put(told: str) -> None:
        (tmp_path / "apt-get").write_text(f"#!/bin/sh\ncat <<END\n{told}END\n")
        (tmp_path / "apt-get").chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    return put


ARCHIVES = """\
bookworm|contrib|Debian|Debian|http://mirror.example/debian/
bookworm|main|Debian|Debian|http://mirror.example/debian/
trixie|main|Debian|Debian|http://derived.example/debian/
"""


def test_apts_files_say_who_made_them_and_keep_out_the_rest(
    tmp_path: Path, says: Callable[[str], None]
) -> None:
    says(ARCHIVES)
    plan = packages.plan({"ID": "debian", "VERSION_CODENAME": "bookworm"}, packages.PARTS)
    apt.write_sources(plan, tmp_path)
    source = (tmp_path / apt.SOURCE).read_text()
    assert source.startswith("# Made by jhub-docker")
    assert "\nURIs: http://mirror.example/debian/\nSuites: trixie\nComponents: main\n" in source
    pins = (tmp_path / apt.PREFERENCES).read_text()
    assert pins.startswith("# Made by jhub-docker")
    assert "Package: *\nPin: release n=trixie\nPin-Priority: -1" in pins


@pytest.mark.parametrize("told", ["", ARCHIVES.replace("|main|", "|contrib|")])
def test_no_source_to_derive_from_is_an_error(told: str, says: Callable[[str], None]) -> None:
    says(told)
    with pytest.raises(ActionError, match="no source of bookworm main"):
        apt.source("trixie", "bookworm", apt.archives())


def test_installed_packages_are_read_from_dpkg(tmp_path: Path) -> None:
    status = tmp_path / "var/lib/dpkg/status"
    status.parent.mkdir(parents=True)
    status.write_text(
        "Package: runc\nStatus: install ok installed\n\n"
        "Package: docker-ce\nStatus: deinstall ok config-files\n"
    )
    assert apt.installed(tmp_path) == {"runc"}
    assert apt.installed(tmp_path / "nowhere") == set()


def test_a_start_that_fails_ends_with_the_daemons_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "dockerd"
    fake.write_text("#!/bin/sh\necho 'failed to load the moon' >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    daemon = Daemon(socket=tmp_path / "d.sock", state=tmp_path / "state")
    with pytest.raises(ActionError, match="failed to load the moon"):
        daemon.start()
    assert not daemon.record.exists()


@pytest.mark.parametrize("is_own", [True, False])
def test_only_the_very_process_that_was_started_is_stopped(tmp_path: Path, is_own: bool) -> None:
    daemon = Daemon(socket=tmp_path / "d.sock", state=tmp_path)
    socket = f"unix://{daemon.socket if is_own else tmp_path / 'other.sock'}"
    command = ["sh", "-c", "read end", "dockerd", "--host", socket]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        daemon.record.write_text(json.dumps({"pid": process.pid}))
        assert daemon.stop() is is_own
        assert (process.poll() is not None) is is_own


@pytest.mark.parametrize("record", ["", "null", "{}", '{"pid": "many"}'])
def test_a_broken_record_names_no_process(tmp_path: Path, record: str) -> None:
    daemon = Daemon(socket=tmp_path / "d.sock", state=tmp_path)
    daemon.record.write_text(record)
    assert daemon.running() is None
    assert daemon.stop() is False
