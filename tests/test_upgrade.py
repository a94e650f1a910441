"""What an upgrade keeps, puts back and says; the running of it is in integration/operations."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from jhub_docker.doctor.findings import WARNING, Examined, Finding
from jhub_docker.platform import before_files, containers, upgrading
from jhub_docker.platform.before_files import DATABASE
from jhub_docker.platform.compose import Platform
from jhub_testing.resources import Engine

ABOUT = json.dumps({"time": "2026-11-30T05:00:00+00:00", "images": {}})


@pytest.fixture
def data(tmp_path: Path) -> Path:
    data = tmp_path / "data"
    data.mkdir()
    with closing(sqlite3.connect(data / "jupyterhub.sqlite")) as made:
        made.executescript(
            "CREATE TABLE users (id INTEGER, name TEXT, admin INTEGER);"
            "CREATE TABLE users_info (username TEXT, password BLOB);"
            "INSERT INTO users VALUES (1, 'ada', 0), (2, 'bob', 0), (3, 'eve', 0);"
            "INSERT INTO users_info VALUES ('ada', 'a'), ('bob', 'b'), ('eve', 'e');"
        )
    (data / "config.toml").write_text("idle_timeout = 1\n")
    return data


@pytest.fixture
def before(tmp_path: Path) -> Path:
    before = tmp_path / "before"
    before.mkdir()
    return before


def keep(data: Path, before: Path) -> None:
    before_files.keep(data, before, DATABASE, ABOUT)


def change(data: Path) -> None:
    with closing(sqlite3.connect(data / "jupyterhub.sqlite")) as made:
        made.executescript(
            "DELETE FROM users WHERE name = 'eve'; DELETE FROM users_info WHERE username = 'eve';"
            "INSERT INTO users VALUES (4, 'late', 1);"
            "UPDATE users_info SET password = 'new' WHERE username = 'bob';"
        )
    (data / "config.toml").write_text("idle_timeout = 2\n")


def names(database: Path) -> list[str]:
    return [name for (name,) in before_files.rows(database, "SELECT name FROM users")]


def test_what_is_lost_is_listed_and_everything_comes_back(data: Path, before: Path) -> None:
    keep(data, before)
    assert (
        upgrading.losses(before_files.lost(data, before, DATABASE))
        == "No account was changed since."
    )
    change(data)
    assert upgrading.losses(before_files.lost(data, before, DATABASE)).splitlines() == [
        "This is lost:",
        "  accounts made since (their homes stay, on the page Homes): late",
        "  accounts deleted since come back: eve",
        "  passwords changed since are the old ones: bob",
        "  changed since: admins, config.toml",
    ]
    (data / "jupyterhub.sqlite-journal").write_bytes(b"of the newer database")
    before_files.back(data, before, DATABASE)
    assert names(data / "jupyterhub.sqlite") == ["ada", "bob", "eve"]
    assert (data / "config.toml").read_text() == "idle_timeout = 1\n"
    assert not (data / "jupyterhub.sqlite-journal").exists()
    assert names(before / "newer.jupyterhub.sqlite") == ["ada", "bob", "late"]
    assert (before / "newer.config.toml").read_text() == "idle_timeout = 2\n"


def test_records_in_postgres_are_kept_and_come_back_as_the_file_that_the_hub_moves_there(
    data: Path, before: Path
) -> None:
    """The hub's copy of them is what counts; the file of before they were moved is an old one."""
    copy = data / before_files.POSTGRES
    shutil.copy2(data / "jupyterhub.sqlite", copy)
    change(data)
    before_files.keep(data, before, before_files.POSTGRES, ABOUT)
    shutil.copy2(data / "jupyterhub.sqlite", copy)
    assert before_files.lost(data, before, before_files.POSTGRES)["made"] == ["late"]
    before_files.back(data, before, before_files.POSTGRES)
    assert names(data / "jupyterhub.sqlite") == ["ada", "bob", "eve"]
    assert names(before / "newer.jupyterhub.sqlite") == ["ada", "bob", "late"]


@pytest.mark.parametrize("moment", range(1, 11))
def test_one_that_is_killed_is_done_again(
    data: Path, before: Path, monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    """Killed at any of its steps: the older database comes back whole, the newer one is kept."""
    keep(data, before)
    change(data)
    steps = 0

    def killed_at(step: Callable[..., object]) -> Callable[..., object]:
        def counted(*arguments: object, **options: object) -> object:
            nonlocal steps
            steps += 1
            if steps == moment:
                raise KeyboardInterrupt
            return step(*arguments, **options)

        return counted

    with monkeypatch.context() as patched, suppress(KeyboardInterrupt):
        for owner, name in ((shutil, "copy2"), (Path, "rename"), (Path, "unlink")):
            patched.setattr(owner, name, killed_at(getattr(owner, name)))
        before_files.back(data, before, DATABASE)
    assert steps == moment, "it has fewer steps than this test kills it at"
    before_files.again(data, before, DATABASE)
    assert names(data / "jupyterhub.sqlite") == ["ada", "bob", "eve"]
    assert names(before / "newer.jupyterhub.sqlite") == ["ada", "bob", "late"]
    assert (data / "config.toml").read_text() == "idle_timeout = 1\n"


def test_what_people_did_since_it_was_put_back_stays(data: Path, before: Path) -> None:
    """The tool was killed once the hub of before ran again, and the next call goes on with that."""
    keep(data, before)
    before_files.back(data, before, DATABASE)
    change(data)
    before_files.again(data, before, DATABASE)
    assert names(data / "jupyterhub.sqlite") == ["ada", "bob", "late"]
    before_files.back(data, before, DATABASE)
    assert names(data / "jupyterhub.sqlite") == ["ada", "bob", "eve"], "told to go back again"
    assert names(before / "newer.jupyterhub.sqlite") == ["ada", "bob", "late"]


def test_without_room_nothing_is_kept_and_the_older_way_back_stays(
    data: Path, before: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(data, before)
    change(data)
    monkeypatch.setattr(before_files, "SPARE", 10**18)
    with pytest.raises(SystemExit, match=r"MB are free: make room there"):
        keep(data, before)
    assert names(before / "kept" / "jupyterhub.sqlite") == ["ada", "bob", "eve"]


def test_a_damaged_database_is_a_sentence(data: Path, before: Path) -> None:
    (data / "jupyterhub.sqlite").write_bytes(b"no database" * 1000)
    with pytest.raises(SystemExit, match="cannot be copied: file is not a database"):
        keep(data, before)


def test_the_doctor_stops_an_upgrade_for_what_it_cannot_cure() -> None:
    examined = Examined(
        [
            Finding("JD011", "hub has ended"),
            Finding("JD030", "malformed"),
            Finding("JD005", "2 GB left", WARNING),
        ]
    )
    wrong, worries = examined.before_an_upgrade()
    assert [one.partition(" ")[0] for one in wrong] == ["JD030"]
    assert [one.partition(" ")[0] for one in worries] == ["JD011", "JD005"]


def test_what_people_come_in_through_stays_unless_it_is_to_be_published_otherwise() -> None:
    platform = Platform(
        root=Path(),
        project="p",
        port=443,
        bind="",
        services=("hub", "proxy", "tls"),
        images={},
        hub_environment={},
        volumes={},
        networks={},
        ports={"tls": (("443/tcp", "", "443"),)},
    )

    def container(service: str, running: bool = True, **bound: Any) -> dict[str, Any]:
        return {
            "Config": {"Labels": {"com.docker.compose.service": service}},
            "State": {"Running": running},
            "HostConfig": {"PortBindings": {"443/tcp": [bound]} if bound else None},
        }

    both = ("proxy", "tls")
    proxy, tls = container("proxy"), container("tls", HostIp="::", HostPort="443")
    assert containers.are_open(platform, both, [proxy, tls])
    assert not containers.are_open(platform, both, [proxy]), "it has a domain only now"
    assert not containers.are_open(platform, both, [proxy, {**tls, "State": {"Running": False}}])
    other = container("tls", HostIp="", HostPort="8443")
    assert not containers.are_open(platform, both, [proxy, other])
    plain = replace(platform, services=("hub", "proxy"), ports={})
    published = container("proxy", HostIp="127.0.0.1", HostPort="443")
    assert not containers.are_open(plain, ("proxy",), [published])
    everywhere = replace(plain, ports={"proxy": (("443/tcp", "", "443"),)})
    assert containers.are_open(everywhere, ("proxy",), [published]), "for up to do, when it suits"


def test_a_tests_platform_that_is_removed_leaves_no_tag_of_an_upgrade(pretend: Any) -> None:
    removed = []
    nothing = SimpleNamespace(list=lambda **_: [])
    tags = ["hub:before-p", "hub:upgrading-p", "hub:refused-p", "hub:before-p-2", "hub:latest"]
    api = SimpleNamespace(
        images=lambda: [{"RepoTags": tags}, {"RepoTags": None}],
        containers=lambda **_: [],
        remove_image=lambda name, **_: removed.append(name),
    )
    client = SimpleNamespace(api=api, containers=nothing, networks=nothing, volumes=nothing)
    engine: Any = SimpleNamespace(
        client=pretend(client),
        _remove_labelled=lambda *_, **__: None,
    )
    Engine.remove_project(engine, "p")
    assert removed == ["hub:before-p", "hub:upgrading-p", "hub:refused-p"]
