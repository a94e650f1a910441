"""An image's parts, and records about some of them in OSV's form (`records/`)."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

RECORDS = Path(__file__).parent / "records"
NOW = datetime(2026, 11, 24, tzinfo=UTC)
PURLS = (
    "pkg:pypi/tea-pots@2.1.0",
    "pkg:pypi/biscuits@1.0",
    "pkg:npm/%40tea/kettle@3.0.0-beta.10",
    "pkg:deb/debian/libspoon1@2.0-3?arch=amd64&distro=debian-12&upstream=spoon%401%3A2.0-3",
    "pkg:deb/debian/spoon-doc@2.0-3?arch=all&distro=debian-12&upstream=spoon%401%3A2.0-3",
    "pkg:generic/python@3.11.9",
)


@pytest.fixture
def records() -> dict[str, dict[str, Any]]:
    return {path.stem: json.loads(path.read_text()) for path in RECORDS.glob("*.json")}


@pytest.fixture(autouse=True)
def _no_service(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test asks the real service; what asks nobody else finds a port where nobody listens."""
    monkeypatch.setenv("JHUB_DOCKER_OSV_API", "http://127.0.0.1:9")
    monkeypatch.delenv("JHUB_DOCKER_AUDIT_DATABASE", raising=False)
