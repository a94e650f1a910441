"""Credentials for registries: what docker-py would pass over in silence is refused at the start."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from docker import auth

from hub_config import SettingsError
from hub_config.offer import pulls

PASSWORD = "correct-horse"
ENTRY = {"auth": base64.b64encode(f"puller:{PASSWORD}".encode()).decode()}


def write(data: Path, text: str) -> Path:
    path = data / pulls.CREDENTIALS
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_what_docker_login_writes_is_taken_and_found(tmp_path: Path) -> None:
    pulls.check_credentials(tmp_path)
    path = write(tmp_path, json.dumps({"auths": {"registry.example": ENTRY}}))
    pulls.check_credentials(tmp_path)
    found = auth.load_config(str(path)).resolve_authconfig("registry.example")
    assert (found["username"], found["password"]) == ("puller", PASSWORD)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('{"auths": {"r": {"auth": "correct-horse"', "not valid JSON"),
        ([ENTRY], "no JSON object"),
        ({}, "no `auths`"),
        ({"auths": {}}, "no `auths`"),
        ({"auths": {"r.example": ENTRY}, "credsStore": "desktop"}, "credsStore names a credential"),
        ({"auths": {}, "credHelpers": {"r.example": "ecr"}}, "credHelpers names a credential"),
        ({"auths": {"r.example": {}}}, "the entry of r.example has neither"),
        ({"auths": {"r.example": "x"}}, "the entry of r.example has neither"),
    ],
)
def test_anything_else_is_told_without_the_secret(tmp_path: Path, content: Any, told: str) -> None:
    write(tmp_path, content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(SettingsError, match=told) as caught:
        pulls.check_credentials(tmp_path)
    assert PASSWORD not in str(caught.value)
    assert ENTRY["auth"] not in str(caught.value)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    write(tmp_path, "").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="cannot be read: it is no text"):
        pulls.check_credentials(tmp_path)
