"""What each source answers, and that it says so when it could not be asked."""

import json

import pytest

from jhub_docker.release.audit import gate, osv, parts
from jhub_docker.release.audit.findings import Answer, Severity
from jhub_testing.osv_peer import OsvPeer

from .conftest import PURLS, RECORDS

PARTS = parts.read(PURLS)


def asked() -> Answer:
    return gate.ask(PARTS)


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
    answer = asked()
    assert ids(answer) == IN_RECORDS
    assert service.asked.count("/v1/querybatch") == 2
    assert answer.date


def test_half_an_answer_of_the_service_is_none(service: OsvPeer) -> None:
    service.broken.add("/v1/vulns/PYSEC-2026-11")
    answer = asked()
    assert not answer.found
    assert answer.date is None
    assert "403 Client Error: Forbidden" in answer.unreached[0]


def test_a_service_out_of_reach_is_said_to_be() -> None:
    answer = asked()
    assert answer.date is None
    assert "Connection refused" in answer.unreached[0]


def test_something_else_than_the_service_is_not_believed(
    service: OsvPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JHUB_DOCKER_OSV_API", f"{service.address}/elsewhere")
    assert asked().date is None


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


def test_records_are_in_the_form_of_the_export() -> None:
    for path in RECORDS.glob("*.json"):
        assert json.loads(path.read_text())["id"] == path.stem
