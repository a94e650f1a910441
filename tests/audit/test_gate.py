"""What stops a release, what only is told, and that silence is never taken for safety."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from jhub_docker.errors import UsageError
from jhub_docker.release.audit import gate as gates
from jhub_docker.release.audit.gate import Verdict

from .conftest import NOW, PURLS, RECORDS

TEA = "CVE-2026-1001"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout without rules of its own, beside the copy of the database, on a bare machine."""
    monkeypatch.setattr("jhub_docker.release.audit.sources.archive.read_sources", lambda root: {})
    monkeypatch.setenv("JHUB_DOCKER_AUDIT_DATABASE", str(RECORDS))
    (tmp_path / "packages/uv-tea").mkdir(parents=True)
    rules(tmp_path, "")
    return tmp_path


def rules(root: Path, text: str) -> None:
    (root / "pyproject.toml").write_text(f"[tool.jhub-docker.audit]\n{text}\n")


def allow(folder: Path, *entries: str) -> None:
    (folder / "audit-allow.toml").write_text("\n".join(f"[[allow]]\n{e}\n" for e in entries))


def entry(identifier: str, package: str) -> str:
    return f'id = "{identifier}"\npackage = "{package}"\nreason = "weighed"\nexpires = 2026-12-24'


def judge(root: Path, *, accept_unreached: bool = False, later: int = 0) -> Verdict:
    now = NOW + timedelta(days=later)
    return gates.gate(root, "uv-tea", PURLS, accept_unreached=accept_unreached, now=now)


def refused(verdict: Verdict) -> list[str]:
    return [sentence.partition(" (")[0] for sentence in verdict.refusals]


def test_high_and_unrated_findings_stop_a_release_each_once(root: Path) -> None:
    assert refused(judge(root)) == [
        "spoon 1:2.0-3: CVE-2026-1003",
        "tea-pots 2.1.0: CVE-2026-1001",
        "tea-pots 2.1.0: PYSEC-2026-13",
    ]


def test_names_of_one_vulnerability_are_one_finding_with_the_worst_severity(root: Path) -> None:
    (found,) = [f for f in judge(root).report.findings if f.id == TEA]
    assert found.names == (TEA, "GHSA-aaaa-1111-ssss", "PYSEC-2026-11")
    assert (str(found.severity), found.fixed) == ("high", "2.1.1")


def test_an_announcement_is_left_out_where_each_of_its_parts_is_named(root: Path) -> None:
    assert not [f for f in judge(root).report.findings if "DSA-9001-1" in f.names]


def test_the_limit_is_a_rule_of_the_checkout(root: Path) -> None:
    rules(root, 'severity = "medium"')
    assert "@tea/kettle 3.0.0-beta.10: CVE-2026-1002" in refused(judge(root))
    rules(root, 'severity = "critical"')
    assert refused(judge(root)) == [
        "spoon 1:2.0-3: CVE-2026-1003",
        "tea-pots 2.1.0: PYSEC-2026-13",
    ]


@pytest.mark.parametrize("folder", [".", "packages/uv-tea"])
def test_what_is_allowed_by_any_of_its_names_passes_and_is_told(root: Path, folder: str) -> None:
    allow(
        root / folder,
        entry("GHSA-aaaa-1111-ssss", "Tea_Pots"),
        entry("PYSEC-2026-13", "tea-pots"),
        entry("CVE-2026-1003", "libspoon1"),
    )
    verdict = judge(root)
    assert verdict.passed
    assert any(note.startswith("allowed: tea-pots 2.1.0: CVE-2026-1001") for note in verdict.notes)


def test_an_entry_that_permits_nothing_is_reported(root: Path) -> None:
    allow(root, entry(TEA, "biscuits"), entry("CVE-2020-1", "python"))
    (unused,) = judge(root).report.unused
    assert unused.package == "biscuits"  # nobody can say whether python's is still needed


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('id = "A"\npackage = "b"\nexpires = 2027-01-01', "line 6, entry 2 .A b.: 'reason'"),
        ('id = "A"\npackage = "b"\nreason = " "\nexpires = 2027-01-01', "'reason'"),
        ('id = "A"\npackage = "b"\nreason = "r"', "'expires' is None"),
        ('id = "A"\npackage = "b"\nreason = "r"\nexpires = "soon"', "'expires' is 'soon'"),
        ('id = "A"\npackage = "b"\nreason = "r"\nexpires = 2026-11-23', "expired on 2026-11-23"),
        ('id = "A"\npackge = "b"', "unknown field 'packge'; did you mean 'package'"),
    ],
)
def test_an_entry_that_is_not_whole_is_an_error_that_names_it(
    root: Path, text: str, said: str
) -> None:
    (root / "audit-allow.toml").write_text(
        f"[[allow]]\n{entry(TEA, 'tea-pots')}\n[[allow]]\n{text}\n"
    )
    with pytest.raises(UsageError, match=said):
        judge(root)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('severity = "hihg"', "severity is 'hihg'; expected one of low, medium, high, critical"),
        ('unreached = "ignore"', "'refuse' or 'accept'"),
        ("max-age-days = 0", "days from 1"),
        ("servity = 1", "unknown field 'servity'"),
    ],
)
def test_wrong_rules_are_errors(root: Path, text: str, said: str) -> None:
    rules(root, text)
    with pytest.raises(UsageError, match=said):
        judge(root)


def test_what_nobody_could_check_stops_a_release(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JHUB_DOCKER_AUDIT_DATABASE")
    verdict = judge(root)
    assert [sentence.partition(" could")[0] for sentence in verdict.refusals] == [
        "2 parts from Debian:12",
        "2 parts from PyPI",
        "1 parts from npm",
    ]
    assert "Connection refused" in verdict.refusals[1]
    accepted = judge(root, accept_unreached=True)
    assert accepted.passed
    assert sum("NOT checked" in note for note in accepted.notes) == 4
    assert accepted.report.checked == 0


def test_a_checkout_may_accept_what_nobody_could_check(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JHUB_DOCKER_AUDIT_DATABASE")
    rules(root, 'unreached = "accept"')
    assert judge(root).passed


def test_old_data_count_as_none(root: Path) -> None:
    monthly = judge(root, later=60)
    assert any("older than 30 days" in sentence for sentence in monthly.refusals)
    assert monthly.report.findings  # what the old data know is told all the same


def test_kinds_without_any_database_are_listed_and_stop_nothing(root: Path) -> None:
    (group,) = judge(root).report.unchecked
    assert (group.kind, group.possible) == ("generic", False)
    written = json.loads(json.dumps(judge(root).report.to_json()))
    assert written["not_checked"][0]["components"] == ["pkg:generic/python@3.11.9"]
    assert (written["components"], written["checked"]) == (6, 5)
