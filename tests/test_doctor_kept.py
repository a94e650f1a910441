"""What the doctor says of what has to be kept: secrets, database, backups, the file `.env`."""

import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from jhub_docker.doctor import hub_files, judging
from jhub_docker.doctor.findings import Finding

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


def codes(findings: Iterable[Finding]) -> list[tuple[str, str]]:
    return [(one.code, one.severity) for one in findings]


def test_a_file_of_settings_with_secrets_is_its_owners_alone() -> None:
    names = ["JHUB_PORT", "JHUB_PROVIDER_SECRET"]
    assert codes(judging.env_file(0o644, names)) == [("JD021", "warning")]
    assert not judging.env_file(0o600, names)
    assert not judging.env_file(0o644, ["JHUB_PORT"])


def test_older_secrets_are_told_once_nothing_needs_them() -> None:
    files = [{"path": "cookie_secret.older", "days": days} for days in (3.0, 40.0)]
    found = judging.in_hub({"secrets": [], "older": files, "database": "ok"})
    assert codes(found) == [("JD029", "warning")]


def test_secrets_that_docker_inspect_shows_are_named_by_container() -> None:
    env = ["JHUB_PROVIDER_SECRET=hush", "AWS_SECRET_ACCESS_KEY=", "JHUB_PORT=80"]
    hub = {"Name": "/demo-hub-1", "Config": {"Env": env}}
    shown = judging.shown([hub, {"Name": "/demo-proxy-1", "Config": {"Env": None}}])
    assert codes(shown) == [("JD028", "warning")]
    assert shown[0].says == "demo-hub-1: JHUB_PROVIDER_SECRET"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({}, ["JD040"]),
        ({"backup": {"tried": "x", "wrong": "full"}}, ["JD041", "JD041", "JD042"]),
        ({"backup": {"succeeded": "2026-11-20T02:30:00+00:00"}}, ["JD041", "JD042"]),
        (
            {
                "backup": {"succeeded": "2026-11-30T02:30:00+00:00", "wrong": ""},
                "drill": {"succeeded": "2026-11-01T02:30:00+00:00", "wrong": ""},
            },
            [],
        ),
        (
            {
                "backup": {"succeeded": "2026-11-30T02:30:00+00:00", "wrong": ""},
                "drill": {"succeeded": "2026-11-01T02:30:00+00:00", "wrong": "2 files differ"},
            },
            ["JD042"],
        ),
    ],
)
def test_backups_are_judged_by_how_they_went(status: dict[str, Any], expected: list[str]) -> None:
    assert [
        one.code for one in judging.backup(configured=False, status=status, now=NOW)
    ] == expected


def test_backups_that_are_set_up_and_were_never_made_are_old() -> None:
    assert codes(judging.backup(configured=True, status={}, now=NOW)) == [("JD041", "warning")]


@pytest.fixture
def hub(tmp_path: Path) -> tuple[Path, Path]:
    """Data and proxy volume of a hub that is well."""
    data, proxy = tmp_path / "data", tmp_path / "proxy"
    (data / "secrets").mkdir(parents=True, mode=0o700)
    data.chmod(0o700)
    proxy.mkdir()
    for path in (data / "secrets/cookie_secret", data / "secrets/crypt_key", proxy / "token"):
        path.write_text("0f" * 32)
        path.chmod(0o600)
    with sqlite3.connect(data / "jupyterhub.sqlite") as opened:
        opened.execute("CREATE TABLE users (name TEXT)")
        opened.executemany("INSERT INTO users VALUES (?)", [("x" * 500,)] * 200)
    opened.close()
    return data, proxy


def of_hub(hub: tuple[Path, Path]) -> list[Finding]:
    return [*judging.in_hub(hub_files.look(*hub))]


def test_the_files_of_a_hub_that_is_well_have_no_findings(hub: tuple[Path, Path]) -> None:
    assert not of_hub(hub)


def test_secrets_that_are_gone_cut_off_or_open_are_told(hub: tuple[Path, Path]) -> None:
    data, proxy = hub
    (data / "secrets/crypt_key").unlink()
    (data / "secrets/cookie_secret").write_text("0f")
    (proxy / "token").chmod(0o644)
    (data / "secrets/admin_password").write_text("once")
    (data / "secrets/admin_password").chmod(0o640)
    says = {one.says.removeprefix(str(data)): one.code for one in of_hub(hub)}
    assert says == {
        "/secrets/cookie_secret holds no secret of 64 hexadecimal digits": "JD022",
        "/secrets/crypt_key is missing": "JD022",
        f"{proxy}/token has mode 0644": "JD023",
        "/secrets/admin_password has mode 0640": "JD023",
    }


@pytest.mark.parametrize("damage", ["cut", "garbage", "gone"])
def test_a_damaged_database_is_told(hub: tuple[Path, Path], damage: str) -> None:
    file = hub[0] / "jupyterhub.sqlite"
    whole = file.read_bytes()
    match damage:
        case "cut":
            file.write_bytes(whole[: len(whole) // 2])
        case "garbage":
            file.write_bytes(b"no database at all" * 500)
        case "gone":
            file.unlink()
    assert codes(of_hub(hub)) == [("JD030", "error")]
    assert file.exists() or damage == "gone", "looking makes none"
