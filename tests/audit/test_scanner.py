"""A scanner on PATH: what it is given, how its report is read, and that a broken one is said.

The reports have the form of grype 0.90 and trivy 0.60; the programs are stand-ins.
"""

import json
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from jhub_docker.release.audit import gate, parts, scanner
from jhub_docker.release.audit.findings import Answer, Severity

from .conftest import PURLS

ALL = scanner.SCANNERS
PARTS = parts.read(PURLS)
BUILT = "2026-11-20T08:01:10.123456789Z"
GRYPE: dict[str, Any] = {
    "matches": [
        {
            "vulnerability": {
                "id": "GHSA-aaaa-1111-ssss",
                "severity": "High",
                "description": "Teapots\nleak",
                "fix": {"versions": ["2.1.1"], "state": "fixed"},
                "namespace": "github:language:python",
            },
            "relatedVulnerabilities": [{"id": "CVE-2026-1001", "severity": "High"}],
            "artifact": {"name": "tea-pots", "version": "2.1.0", "purl": PURLS[0]},
        },
        {
            "vulnerability": {"id": "CVE-2026-1004", "severity": "Negligible", "fix": {}},
            "relatedVulnerabilities": [],
            "artifact": {"name": "libspoon1", "version": "2.0-3", "type": "deb", "purl": ""},
        },
    ],
    "descriptor": {"name": "grype", "version": "0.90.0", "db": {"status": {"built": BUILT}}},
}
TRIVY = {
    "SchemaVersion": 2,
    "Results": [
        {
            "Class": "os-pkgs",
            "Type": "debian",
            "Vulnerabilities": [
                {
                    "VulnerabilityID": "CVE-2026-1004",
                    "VendorIDs": ["DSA-9001-1"],
                    "PkgName": "libspoon1",
                    "PkgIdentifier": {"PURL": "pkg:deb/debian/libspoon1@2.0-3?distro=debian-12"},
                    "InstalledVersion": "2.0-3",
                    "Severity": "LOW",
                    "Title": "Spoons bend",
                }
            ],
        },
        {
            "Class": "lang-pkgs",
            "Type": "python-pkg",
            "Vulnerabilities": [
                {
                    "VulnerabilityID": "CVE-2026-1001",
                    "PkgName": "tea-pots",
                    "PkgIdentifier": {"PURL": PURLS[0]},
                    "InstalledVersion": "2.1.0",
                    "FixedVersion": "1.9.4, 2.1.1",
                    "Severity": "HIGH",
                }
            ],
        },
        {"Class": "lang-pkgs", "Type": "node-pkg"},
    ],
}
TRIVY_VERSION = {"Version": "0.60.0", "VulnerabilityDB": {"Version": 2, "UpdatedAt": BUILT}}

Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Puts a scanner on PATH that writes a report and keeps what it was given."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setattr(scanner, "SCANNERS", ALL)

    def write(name: str, report: Any, code: int = 0) -> Path:
        given = tmp_path / "given.json"
        program = folder / name
        program.write_text(
            f"#!{sys.executable}\nimport json, pathlib, sys\nwords = sys.argv[1:]\n"
            f"if words[0] == 'version':\n    print({json.dumps(TRIVY_VERSION)!r}); sys.exit()\n"
            "file = words[-1].removeprefix('sbom:')\n"
            f"pathlib.Path({str(given)!r}).write_bytes(pathlib.Path(file).read_bytes())\n"
            f"print({json.dumps(report)!r} if {report is not None} else '')\n"
            f"print('database is missing', file=sys.stderr)\nsys.exit({code})\n"
        )
        program.chmod(0o755)
        return given

    return write


def asked(purls: Iterable[parts.Part] = PARTS) -> Answer:
    """What the scanner said; OSV's service is out of reach."""
    return gate.ask(purls)


def said(answer: Answer) -> list[tuple[str, str, Severity, tuple[str, ...]]]:
    found = [(part.name, a.id, a.severity, a.fixed) for part, a in answer.found]
    return sorted(found)


def test_without_one_nothing_is_said(install: Install) -> None:
    assert scanner.here() == []


def test_grype_reads_the_parts_and_tells_how_old_its_database_is(install: Install) -> None:
    given = install("grype", GRYPE)
    answer = asked()
    assert said(answer) == [
        ("libspoon1", "CVE-2026-1004", Severity.LOW, ()),
        ("tea-pots", "GHSA-aaaa-1111-ssss", Severity.HIGH, ("2.1.1",)),
    ]
    assert next(a.aliases for _, a in answer.found if a.fixed) == {"CVE-2026-1001"}
    assert answer.date == datetime(2026, 11, 20, 8, 1, 10, 123456, tzinfo=UTC)
    document = json.loads(given.read_text())
    system, *listed = document["components"]
    assert (system["type"], system["name"], system["version"]) == (
        "operating-system",
        "debian",
        "12",
    )
    assert [one["purl"] for one in listed] == list(PURLS[:5])


def test_trivy_names_parts_in_its_own_way_and_its_database_apart(install: Install) -> None:
    install("trivy", TRIVY)
    answer = asked()
    assert said(answer) == [
        ("libspoon1", "CVE-2026-1004", Severity.LOW, ()),
        ("tea-pots", "CVE-2026-1001", Severity.HIGH, ("1.9.4", "2.1.1")),
    ]
    assert answer.date


ELSEWHERE = {**GRYPE["matches"][1], "artifact": {"name": "x", "version": "1", "purl": ""}}


@pytest.mark.parametrize(
    ("name", "report"),
    [
        *[("grype", None), ("grype", []), ("grype", {"matches": 7}), ("grype", {"descriptor": {}})],
        ("grype", {**GRYPE, "matches": [ELSEWHERE]}),
        ("trivy", {}),
    ],
)
def test_one_that_cannot_be_read_covers_nothing(name: str, report: Any, install: Install) -> None:
    install(name, report)
    answer = asked()
    assert not answer.found
    assert answer.date is None
    assert "no answer that can be read" in answer.unreached[0]


def test_programs_are_asked_about_where_advisories_about_them_are(install: Install) -> None:
    programs = parts.read(["pkg:npm/code-server@4.1.0", "pkg:generic/uv@0.9.1"])
    about = {"name": "uv", "version": "0.9.1", "purl": "pkg:pypi/uv@0.9.1"}
    given = install("grype", {**GRYPE, "matches": [{**GRYPE["matches"][0], "artifact": about}]})
    assert said(asked(programs)) == [
        ("uv", "GHSA-aaaa-1111-ssss", Severity.HIGH, ("2.1.1",)),
    ]
    listed = json.loads(given.read_text())["components"]
    assert {one["purl"] for one in listed} == {"pkg:npm/code-server@4.1.0", "pkg:pypi/uv@0.9.1"}


def test_what_is_to_be_left_out_no_file_of_the_checkout_says(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = install("grype", GRYPE).parent / "bin/grype"
    looks = "import os\nassert not os.path.exists('.grype.yaml')\n"
    program.write_text(program.read_text().replace("\n", f"\n{looks}", 1))
    (tmp_path / ".grype.yaml").touch()
    monkeypatch.chdir(tmp_path)
    assert asked().date


def test_what_it_covers_nobody_else_is_asked_about(install: Install, tmp_path: Path) -> None:
    install("grype", GRYPE)
    (tmp_path / "pyproject.toml").touch()
    (report,) = gate.gate(tmp_path, {"tea": PURLS})
    assert [one.partition(" (")[0] for one in report.refusals()] == [
        "tea-pots 2.1.0: CVE-2026-1001"
    ]
    assert sum(report.checked.values()) == 5
