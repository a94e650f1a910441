"""What each source answers, and that it says so when it could not be asked."""

import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from jhub_docker.errors import UsageError
from jhub_docker.release.audit import components
from jhub_docker.release.audit.sources import api, archive, copy
from jhub_docker.release.audit.sources.answer import Answer
from jhub_testing import apt_archive
from jhub_testing.osv_peer import OsvPeer

from .conftest import PURLS, RECORDS

PARTS = components.read(PURLS)


def ids(answer: Answer) -> set[tuple[str, str]]:
    return {(component.name, advisory.id) for component, advisory in answer.found}


IN_RECORDS = {
    ("tea-pots", "GHSA-aaaa-1111-ssss"),
    ("tea-pots", "PYSEC-2026-11"),
    ("tea-pots", "PYSEC-2026-13"),
    ("@tea/kettle", "GHSA-bbbb-2222-tttt"),
    *{
        (name, record)
        for name in ("libspoon1", "spoon-doc")
        for record in ("DEBIAN-CVE-2026-1003", "DEBIAN-CVE-2026-1004", "DSA-9001-1")
    },
}


def test_a_folder_of_records_is_a_copy() -> None:
    answer = copy.ask(RECORDS, PARTS)
    assert ids(answer) == IN_RECORDS
    said = {c.ecosystem: (c.reached, c.components, c.note) for c in answer.coverage}
    assert said == {
        "PyPI": (True, 2, "4 records"),
        "npm": (True, 1, "1 records"),
        "Debian:12": (True, 2, "3 records"),
    }
    dates = {c.ecosystem: c.date for c in answer.coverage}
    assert dates["Debian:12"] == datetime(2026, 11, 21, 10, tzinfo=UTC)


def test_the_files_of_the_export_are_a_copy(tmp_path: Path) -> None:
    (tmp_path / "PyPI").mkdir()
    with zipfile.ZipFile(tmp_path / "PyPI/all.zip", "w") as exported:
        for path in RECORDS.glob("*.json"):
            if '"PyPI"' in path.read_text():
                exported.write(path, path.name)
    answer = copy.ask(tmp_path, PARTS)
    assert ids(answer) == {pair for pair in IN_RECORDS if pair[0] == "tea-pots"}
    assert {c.ecosystem: c.reached for c in answer.coverage} == {
        "PyPI": True,
        "npm": False,
        "Debian:12": False,
    }


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("readme.txt", b"nothing", "holds no OSV records"),
        ("a.json", b"{", "not valid JSON"),
        ("a.json", b"[]", "no OSV record"),
        ("a.json", b'{"id": "X", "modified": "yesterday"}', "RFC 3339"),
        ("all.zip", b"PK but not", "no zip file"),
    ],
)
def test_what_is_no_copy_is_refused(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError, match=said):
        copy.ask(tmp_path, PARTS)


AFFECTED = {
    ("PyPI", "tea-pots", "2.1.0"): ["GHSA-aaaa-1111-ssss", "PYSEC-2026-11", "PYSEC-2026-13"],
    ("npm", "@tea/kettle", "3.0.0-beta.10"): ["GHSA-bbbb-2222-tttt"],
    ("Debian:12", "spoon", "1:2.0-3"): ["DEBIAN-CVE-2026-1003", "DEBIAN-CVE-2026-1004"],
}


def test_the_service_is_asked_page_by_page(records: dict[str, Any]) -> None:
    with OsvPeer(records, AFFECTED) as peer:
        answer = api.ask(PARTS, peer.address)
    assert ids(answer) == {pair for pair in IN_RECORDS if pair[1] != "DSA-9001-1"}
    assert peer.asked.count("/v1/querybatch") == 2
    assert all(c.reached and c.date for c in answer.coverage)
    assert {c.ecosystem for c in answer.coverage} == {"PyPI", "npm", "Debian:12"}


def test_half_an_answer_of_the_service_is_none(records: dict[str, Any]) -> None:
    with OsvPeer(records, AFFECTED) as peer:
        peer.broken.add("/v1/vulns/PYSEC-2026-11")
        answer = api.ask(PARTS, peer.address)
    assert not answer.found
    assert {(c.reached, c.note) for c in answer.coverage} == {(False, "it answered 403 Forbidden")}


def test_a_service_out_of_reach_is_said_to_be() -> None:
    coverage = api.ask(PARTS, "http://127.0.0.1:9").coverage
    assert {c.reached for c in coverage} == {False}
    assert "Connection refused" in coverage[0].note


def test_something_else_than_the_service_is_not_believed(records: dict[str, Any]) -> None:
    with OsvPeer(records, {}) as peer:
        answer = api.ask(PARTS, f"{peer.address}/elsewhere")
    assert {c.reached for c in answer.coverage} == {False}


RELEASED = datetime(2026, 11, 22, 8, tzinfo=UTC)


@pytest.fixture
def archived(tmp_path: Path) -> Iterator[str]:
    """The address of a security archive of three packages, two of them the image's."""
    packages = {"libspoon1": "2.0-3+deb12u2", "spoon-doc": "2.0-3", "other": "1"}
    apt_archive.write(tmp_path / "mirror", "bookworm-security", packages, RELEASED, "amd64")
    with apt_archive.served(tmp_path / "mirror") as address:
        yield address


def machine(tmp_path: Path, source: str) -> Path:
    """The root of a machine whose apt has this source."""
    sources = tmp_path / "root/etc/apt/sources.list.d"
    sources.mkdir(parents=True)
    (sources / "debian.sources").write_text(source)
    return tmp_path / "root"


@pytest.mark.parametrize("suite", ["bookworm-security", "trixie-security"])
def test_the_archive_knows_which_packages_have_a_newer_version(
    tmp_path: Path, archived: str, suite: str
) -> None:
    answer = archive.ask(PARTS, machine(tmp_path, apt_archive.source(archived, suite)))
    assert ids(answer) == {("libspoon1", "debian-security:spoon")}
    assert answer.found[0][1].fixed == "2.0-3+deb12u2"
    (covered,) = answer.coverage
    assert (covered.reached, covered.ecosystem, covered.components) == (True, "Debian:12", 2)
    assert covered.date == RELEASED


def test_an_archive_that_nobody_signed_is_not_believed(tmp_path: Path, archived: str) -> None:
    source = apt_archive.source(archived, "bookworm-security", trusted=False)
    answer = archive.ask(PARTS, machine(tmp_path, source))
    assert not answer.found
    assert not answer.coverage[0].reached
    assert "not signed" in answer.coverage[0].note


def test_an_archive_that_does_not_answer_was_not_reached(tmp_path: Path) -> None:
    source = apt_archive.source("http://127.0.0.1:9", "bookworm-security")
    (covered,) = archive.ask(PARTS, machine(tmp_path, source)).coverage
    assert not covered.reached
    assert "127.0.0.1" in covered.note


def test_a_machine_without_the_archive_says_so(tmp_path: Path) -> None:
    (covered,) = archive.ask(PARTS, tmp_path).coverage
    assert not covered.reached
    assert "no source of bookworm-security" in covered.note


def test_records_are_in_the_form_of_the_export() -> None:
    for path in RECORDS.glob("*.json"):
        assert json.loads(path.read_text())["id"] == path.stem
