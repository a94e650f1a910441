"""What stops a release, what only is told, and that silence is never taken for safety."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from jhub_docker.errors import UsageError
from jhub_docker.release.audit import gate as gates
from jhub_docker.release.audit.gate import Report
from jhub_testing.osv_peer import OsvPeer

from .conftest import NOW, PURLS

TEA = "CVE-2026-1001"


@pytest.fixture
def root(tmp_path: Path, service: OsvPeer) -> Path:
    """A checkout without rules of its own, on a machine that reaches the service alone."""
    (tmp_path / "packages/uv-tea").mkdir(parents=True)
    rules(tmp_path, "")
    return tmp_path


def rules(root: Path, text: str) -> None:
    (root / "pyproject.toml").write_text(f"[tool.jhub-docker.audit]\n{text}\n")


def allow(folder: Path, *entries: str) -> None:
    (folder / "audit-allow.toml").write_text("\n".join(f"[[allow]]\n{e}\n" for e in entries))


def entry(identifier: str, package: str) -> str:
    until = (NOW + timedelta(days=90)).date()
    return f'id = "{identifier}"\npackage = "{package}"\nreason = "weighed"\nexpires = {until}'


def judge(root: Path) -> Report:
    (report,) = gates.gate(root, {"uv-tea": PURLS})
    return report


def refused(report: Report) -> list[str]:
    return [sentence.partition(" (")[0] for sentence in report.refusals()]


def test_high_and_unrated_findings_stop_a_release_each_once(root: Path) -> None:
    assert refused(judge(root)) == [
        "spoon 1:2.0-3: CVE-2026-1003",
        "tea-pots 2.1.0: CVE-2026-1001",
        "tea-pots 2.1.0: PYSEC-2026-13",
    ]


def test_names_of_one_vulnerability_are_one_finding_with_the_worst_severity(root: Path) -> None:
    (found,) = [f for f in judge(root).findings if f.id == TEA]
    assert found.names == (TEA, "GHSA-aaaa-1111-ssss", "PYSEC-2026-11")
    assert (str(found.severity), found.fixed) == ("high", ("1.9.4", "2.1.1"))


def test_an_announcement_is_left_out_where_each_of_its_parts_is_named(root: Path) -> None:
    assert not [f for f in judge(root).findings if "DSA-9001-1" in f.names]


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
    report = judge(root)
    assert not report.refusals()
    assert any(": tea-pots 2.1.0: CVE-2026-1001 (high)" in note for note in report.notes)


def test_an_entry_that_permits_nothing_is_reported(root: Path) -> None:
    allow(root, entry(TEA, "biscuits"), entry("CVE-2020-1", "python"))
    (unused,) = judge(root).unused
    assert unused.package == "biscuits"  # nobody can say whether python's is still needed


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            'id = "A"\npackage = "b"\nexpires = 2999-01-01',
            r"`reason` - at `allow\[1\]`; each",
        ),
        ('id = "A"\npackage = "b"\nreason = " "\nexpires = 2999-01-01', "reason`; each"),
        ('id = "A"\npackage = "b"\nreason = "r"', "field `expires`"),
        ('id = "A"\npackage = "b"\nreason = "r"\nexpires = "soon"', "expires`; each .* a day such"),
        (
            'id = "A"\npackage = "b"\nreason = "r"\nexpires = 2026-11-23',
            "A in b has expired",
        ),
        ('id = "A"\npackge = "b"', "unknown field `packge`"),
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
        ("servity = 1", "unknown field `servity`; severity alone"),
    ],
)
def test_wrong_rules_are_errors(root: Path, text: str, said: str) -> None:
    rules(root, text)
    with pytest.raises(UsageError, match=said):
        judge(root)


def test_what_nobody_could_check_stops_a_release(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JHUB_DOCKER_OSV_API", "http://127.0.0.1:9")
    report = judge(root)
    assert [sentence.partition(" could")[0] for sentence in report.refusals()] == [
        "2 parts from Debian:12",
        "2 parts from PyPI",
        "1 part from npm",
    ]
    assert "Connection refused" in report.refusals()[1]
    assert not report.refusals(accept_unreached=True)
    assert sum("NOT checked" in note for note in report.notes) == 4
    assert "no source was reached" in report.notes
    assert not report.checked


def test_kinds_without_any_database_are_listed_and_stop_nothing(root: Path) -> None:
    (group,) = judge(root).unchecked
    assert (group.kind, group.possible) == ("generic", False)
    written = json.loads(json.dumps(judge(root).to_json()))
    assert written["unchecked"][0]["parts"][0]["purl"] == "pkg:generic/python@3.11.9"
    assert written["checked"] == {"PyPI": 2, "npm": 1, "Debian:12": 2}
    assert [one["severity"] for one in written["findings"]][:2] == ["critical", "high"]
