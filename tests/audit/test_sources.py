"""What each source answers, and that it says so when it could not be asked."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jhub_docker.release.audit import archive, osv, parts
from jhub_docker.release.audit.findings import Answer, Severity
from jhub_testing import apt_archive
from jhub_testing.osv_peer import OsvPeer

from .conftest import PURLS, RECORDS

PARTS = parts.read(PURLS)


def ids(answer: Answer) -> set[tuple[str, str]]:
    return {(part.name, advisory.id) for part, advisory in answer.found}


IN_RECORDS = {
    ("tea-pots", "GHSA-aaaa-1111-ssss"),
    ("tea-pots", "PYSEC-2026-11"),
    ("tea-pots", "PYSEC-2026-13"),  # PYSEC-2026-12 was withdrawn
    ("@tea/kettle", "GHSA-bbbb-2222-tttt"),
    *{
        (name, record)
        for name in ("libspoon1", "spoon-doc")
        for record in ("DEBIAN-CVE-2026-1003", "DEBIAN-CVE-2026-1004", "DSA-9001-1")
    },
}


def test_the_service_is_asked_page_by_page(service: OsvPeer) -> None:
    answer = osv.ask(PARTS)
    assert ids(answer) == IN_RECORDS
    assert service.asked.count("/v1/querybatch") == 2
    assert all(c.reached and c.date for c in answer.coverage)
    assert {c.ecosystem: c.parts for c in answer.coverage} == {"PyPI": 2, "npm": 1, "Debian:12": 2}


def test_half_an_answer_of_the_service_is_none(service: OsvPeer) -> None:
    service.broken.add("/v1/vulns/PYSEC-2026-11")
    answer = osv.ask(PARTS)
    assert not answer.found
    assert {(c.reached, c.note) for c in answer.coverage} == {(False, "it answered 403 Forbidden")}


def test_a_service_out_of_reach_is_said_to_be() -> None:
    coverage = osv.ask(PARTS).coverage
    assert {c.reached for c in coverage} == {False}
    assert "Connection refused" in coverage[0].note


def test_something_else_than_the_service_is_not_believed(service: OsvPeer) -> None:
    answer = osv.ask(PARTS, f"{service.address}/elsewhere")
    assert {c.reached for c in answer.coverage} == {False}


V3 = {"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}
V4 = {
    "type": "CVSS_V4",
    "score": "CVSS:4.0/AV:L/AC:H/AT:P/PR:H/UI:A/VC:L/VI:N/VA:N/SC:N/SI:N/SA:N",
}


@pytest.mark.parametrize(
    ("severity", "word", "urgency", "expected"),
    [
        ([V3], None, None, Severity.CRITICAL),
        ([V3, V4], None, None, Severity.LOW),  # the newer calculation counts
        ([V3], "MODERATE", None, Severity.MEDIUM),  # reviewed by people
        ([V3], None, "unimportant", Severity.LOW),  # by the distribution, for its own package
        ([], None, "medium**", Severity.MEDIUM),
        ([{"type": "CVSS_V3", "score": "CVSS:3.1/nonsense"}], None, None, Severity.UNKNOWN),
        ([], None, "not yet assigned", Severity.UNKNOWN),
    ],
)
def test_severity_comes_from_who_knows_best(
    severity: list[dict[str, str]], word: str | None, urgency: str | None, expected: Severity
) -> None:
    record = {"severity": severity, "database_specific": {"severity": word} if word else {}}
    affected = {"ecosystem_specific": {"urgency": urgency}} if urgency else {}
    assert osv.severity(record, affected) is expected


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
    assert answer.found[0][1].fixed == ("2.0-3+deb12u2",)
    (covered,) = answer.coverage
    assert (covered.reached, covered.ecosystem, covered.parts) == (True, "Debian:12", 2)
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
