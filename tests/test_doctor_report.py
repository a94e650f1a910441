"""What a bundle for a bug report may say, and what the doctor mends by itself."""

import json
import os
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest

from jhub_docker.doctor import bundle, fixing, redaction
from jhub_docker.doctor.findings import CODES, Finding
from jhub_docker.errors import UsageError
from jhub_docker.platform import chosen, compose

KNOWN = {"correct horse battery staple"}


@pytest.mark.parametrize(
    "secret",
    [
        "0f1e" * 16,
        "0f1e" * 8,
        "Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MA",
        "abcd-ef2g-h3jk-mn4p",
        "abcd-ef2g-h3jk",
        "correct horse battery staple",
        "-----BEGIN AGE KEY-----\nabc\n-----END AGE KEY-----",
    ],
)
def test_what_is_a_secret_or_looks_like_one_is_in_no_text(secret: str) -> None:
    for text in (f"it said {secret}.", f'{{"x": "{secret}"}}', f"a={secret}&b", secret):
        assert secret not in redaction.redacted(text, KNOWN)


@pytest.mark.parametrize(
    "text",
    [
        "rest:https://ada:{}@host/x",
        "rest:https://ada:p@{}@host/x",
        "rest:https://ada:p/{}@host/x",
        "https://{}@host/x",
        "Authorization: token {}",
        "authorization: Bearer {}",
        "GET /hub/login?token={}&next=%2F",
    ],
)
def test_short_ones_are_known_by_their_place(text: str) -> None:
    said = redaction.redacted(text.format("hush"))
    assert "hush" not in said
    assert said.endswith(text.partition("{}")[2])


def test_what_helps_to_find_a_fault_stays() -> None:
    for text in (
        f"image sha256:{'0f' * 32} of local/jupyterhub-hub:checkout-7f3a",
        "[I 2026-11-30 05:00:00.123 JupyterHub app:3346] Running JupyterHub version 6.1.1",
        "jhub-test-8f3a-tasks-hub-1 GET /hub/health (@127.0.0.1) 1.20ms",
        "JHUB_MINIMUM_PASSWORD_LENGTH",
        "GET http://127.0.0.1:8000/user/ada@example.org/lab",
    ):
        assert redaction.redacted(text) == text


def test_settings_with_a_secrets_name_are_left_out_whole() -> None:
    config = {"services": [{"environment": {"AWS_SECRET_ACCESS_KEY": "ab", "JHUB_PORT": "80"}}]}
    said: Any = redaction.without_secrets(config)
    (service,) = said["services"]
    assert service["environment"] == {"AWS_SECRET_ACCESS_KEY": "(left out)", "JHUB_PORT": "80"}
    assert "ab" not in json.dumps(said)


def test_a_bundle_is_its_owners_alone_from_its_first_byte_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.tar.gz"
    path.touch(0o666)
    monkeypatch.setattr(Path, "chmod", None)
    before = os.umask(0)
    try:
        bundle.write(path, {"x": "y"})
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600


def test_only_what_has_a_subject_is_mended_and_asked_for(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    pretend: Any,
) -> None:
    assert fixing.FIXES.keys() <= CODES.keys()
    (tmp_path / ".env").write_text("X_SECRET=hush\n")
    (tmp_path / ".env").chmod(0o644)
    platform = compose.from_config(
        tmp_path,
        {
            "name": "demo",
            "services": {"proxy": {"ports": [{"published": "80"}]}, "hub": {}},
            "volumes": {},
            "networks": {},
        },
    )
    monkeypatch.setattr("jhub_docker.platform.chosen.read", lambda *_: platform)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    client = pretend(MagicMock())
    findings = [
        Finding("JD021", ".env has mode 0644", subject=".env"),
        Finding("JD011", "guard is paused", subject="unpause guard-id"),
        Finding("JD018", "the network x, of an interrupted drill", subject="network net-id"),
        Finding("JD018", "the home y is nobody's"),
        Finding("JD004", "the disk has 1 GB left", subject="it"),
    ]
    with pytest.raises(UsageError, match=r"(?s)JD021.*JD011.*JD018.*--yes"):
        fixing.fix(tmp_path, findings, assume_yes=False)
    assert not client.mock_calls
    fixing.fix(tmp_path, findings, assume_yes=True)
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600
    client.api.unpause.assert_called_once_with("guard-id")
    client.api.remove_network.assert_called_once_with("net-id")
    assert "nobody's" not in capsys.readouterr().err


@pytest.mark.parametrize("to", ["", "none/report.tar.gz"])
def test_a_place_where_no_report_can_be_is_told_before_anything_is_looked_at(
    tmp_path: Path, to: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chosen, "read", MagicMock(side_effect=AssertionError("looked")))
    with pytest.raises(UsageError, match="expected a file to write, in a folder that is there"):
        bundle.report(tmp_path, str(tmp_path / to))
