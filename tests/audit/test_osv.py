"""Which versions a record is about, how bad it says it is, and what mends it."""

from typing import Any

import pytest

from jhub_docker.release.audit import components, osv
from jhub_docker.release.audit.osv import Advisory
from jhub_docker.release.audit.severity import Severity


def judged(record: dict[str, Any], purl: str) -> Advisory | None:
    return osv.judge(record, components.read([purl])[0])


@pytest.mark.parametrize(
    ("version", "fixed"),
    [
        ("1.0", "1.9.4"),
        ("1.9.4", None),
        ("1.9.10", None),
        ("2.0.0rc1", None),
        ("2.0.0", "2.1.1"),
        ("2.1.1rc1", "2.1.1"),
        ("2.1.1", None),
    ],
)
def test_python_versions_are_in_a_range_as_pip_orders_them(
    records: dict[str, Any], version: str, fixed: str | None
) -> None:
    advisory = judged(records["GHSA-aaaa-1111-ssss"], f"pkg:pypi/Tea.Pots@{version}")
    assert (advisory.fixed if advisory else None) == fixed


@pytest.mark.parametrize(
    ("version", "affected"),
    [("2.0.9", False), ("2.1.0", True), ("2.1.0.post1", False)],
)
def test_the_last_affected_version_is_affected_and_no_later_one(
    records: dict[str, Any], version: str, affected: bool
) -> None:
    advisory = judged(records["PYSEC-2026-13"], f"pkg:pypi/tea-pots@{version}")
    assert bool(advisory) is affected
    assert advisory is None or advisory.fixed == ""


@pytest.mark.parametrize(
    ("version", "affected"),
    [("3.0.0-beta.1", False), ("3.0.0-beta.10", True), ("3.0.0", False)],
)
def test_node_versions_follow_semantic_versioning(
    records: dict[str, Any], version: str, affected: bool
) -> None:
    record = records["GHSA-bbbb-2222-tttt"]
    assert bool(judged(record, f"pkg:npm/%40tea/kettle@{version}")) is affected


@pytest.mark.parametrize(
    ("distro", "version", "fixed"),
    [
        ("debian-12", "1:2.0-3", "1:2.0-3+deb12u2"),
        ("debian-12", "1:2.0-3~bpo11+1", "1:2.0-3+deb12u2"),
        ("debian-12", "2.9-1", "1:2.0-3+deb12u2"),
        ("debian-12", "1:2.0-3+deb12u10", None),
        ("debian-13", "1:2.0-3+deb12u2", "1:2.4-1"),
        ("debian-11", "1:2.0-3", None),
    ],
)
def test_debian_goes_by_source_package_release_and_epoch(
    records: dict[str, Any], distro: str, version: str, fixed: str | None
) -> None:
    upstream = f"spoon%40{version.replace(':', '%3A')}".replace("+", "%2B")
    purl = f"pkg:deb/debian/libspoon1@9?arch=amd64&distro={distro}&upstream={upstream}"
    advisory = judged(records["DEBIAN-CVE-2026-1003"], purl)
    assert (advisory.fixed if advisory else None) == fixed


def test_listed_versions_count_where_there_is_no_range(records: dict[str, Any]) -> None:
    record = records["PYSEC-2026-11"]
    record["affected"][0]["ranges"] = []
    assert judged(record, "pkg:pypi/tea-pots@2.1.0")
    assert not judged(record, "pkg:pypi/tea-pots@2.1.1")


def test_a_record_that_was_withdrawn_is_about_nothing(records: dict[str, Any]) -> None:
    assert judged(records["PYSEC-2026-12"], "pkg:pypi/tea-pots@2.1.0") is None


def test_a_version_that_cannot_be_compared_is_taken_to_be_affected(
    records: dict[str, Any],
) -> None:
    advisory = judged(records["GHSA-aaaa-1111-ssss"], "pkg:pypi/tea-pots@main-branch")
    assert advisory is not None
    assert not advisory.certain


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
    records: dict[str, Any],
    severity: list[dict[str, str]],
    word: str | None,
    urgency: str | None,
    expected: Severity,
) -> None:
    record = records["PYSEC-2026-13"]
    record["severity"] = severity
    record["database_specific"] = {"severity": word} if word else {}
    record["affected"][0]["ecosystem_specific"] = {"urgency": urgency} if urgency else {}
    advisory = judged(record, "pkg:pypi/tea-pots@2.1.0")
    assert advisory is not None
    assert advisory.severity is expected
