"""An image's parts, and records about some of them in OSV's form (`records/`)."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from jhub_testing.osv_peer import OsvPeer

RECORDS = Path(__file__).parent / "records"
NOW = datetime.now(UTC)
PURLS = (
    "pkg:pypi/tea-pots@2.1.0",
    "pkg:pypi/biscuits@1.0",
    "pkg:npm/%40tea/kettle@3.0.0-beta.10",
    "pkg:deb/debian/libspoon1@2.0-3?arch=amd64&distro=debian-12&upstream=spoon%401%3A2.0-3",
    "pkg:deb/debian/spoon-doc@2.0-3?arch=all&distro=debian-12&upstream=spoon%401%3A2.0-3",
    "pkg:generic/python@3.11.9",
)
AFFECTED = {
    ("PyPI", "tea-pots", "2.1.0"): [
        *("GHSA-aaaa-1111-ssss", "PYSEC-2026-11", "PYSEC-2026-12", "PYSEC-2026-13")
    ],
    ("npm", "@tea/kettle", "3.0.0-beta.10"): ["GHSA-bbbb-2222-tttt"],
    ("Debian:12", "spoon", "1:2.0-3"): [
        *("DEBIAN-CVE-2026-1003", "DEBIAN-CVE-2026-1004", "DSA-9001-1")
    ],
}


@pytest.fixture
def records() -> dict[str, dict[str, Any]]:
    return {path.stem: json.loads(path.read_text()) for path in RECORDS.glob("*.json")}


@pytest.fixture
def service(
    records: dict[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> Iterator[OsvPeer]:
    """A service that knows the records, in place of OSV's."""
    with OsvPeer(records, AFFECTED) as peer:
        monkeypatch.setenv("JHUB_DOCKER_OSV_API", peer.address)
        yield peer


@pytest.fixture(autouse=True)
def _bare_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test asks the real service, or a scanner of this machine; at that port nobody listens."""
    monkeypatch.setenv("JHUB_DOCKER_OSV_API", "http://127.0.0.1:9")
    monkeypatch.setattr("jhub_docker.release.audit.scanner.SCANNERS", {})
