"""A scanner that is on PATH, with a database of its own: grype, trivy or osv-scanner.

It is given the parts as a CycloneDX document and read in JSON. Where one is there, OSV's service is
asked only about what it does not cover.
"""

import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jhub_docker import process
from jhub_docker.release.audit import osv
from jhub_docker.release.audit.findings import Advisory, Answer, Coverage, rated
from jhub_docker.release.audit.parts import Part, by_ecosystem

_SECONDS = 900.0
"""A first run fetches the scanner's database."""

Said = Iterator[tuple[str, str, Advisory]]
"""Package URL of a part, its name and version with a blank between them, what is said of it."""


@dataclass(frozen=True)
class Scanner:
    """`arguments` go before the document's path; `covers` begin the names of its ecosystems."""

    name: str
    arguments: tuple[str, ...]
    covers: tuple[str, ...]
    date: tuple[str, ...] = ()
    """The arguments that make it tell its database's date, where its report does not."""


SCANNERS = (
    Scanner("grype", ("--quiet", "--output", "json", "sbom:{}"), ("PyPI", "npm", "Debian")),
    Scanner(
        "trivy",
        ("sbom", "--quiet", "--format", "json", "{}"),
        ("PyPI", "npm", "Debian"),
        date=("version", "--format", "json"),
    ),
    # Of Debian's packages it knows the binary's name only, and advisories are by source package.
    Scanner("osv-scanner", ("scan", "--format", "json", "--sbom", "{}"), ("PyPI", "npm")),
)


def ask(parts: Iterable[Part]) -> Answer:
    """What the first scanner on PATH says; an empty answer where there is none."""
    scanner = next((one for one in SCANNERS if shutil.which(one.name)), None)
    if scanner is None:
        return Answer()
    groups = {
        ecosystem: group
        for ecosystem, group in by_ecosystem(parts).items()
        if ecosystem.partition(":")[0] in scanner.covers
    }
    asked = [part for group in groups.values() for part in group]
    found: list[tuple[Part, Advisory]] = []
    date = None
    try:
        report = _run(scanner, asked)
        date = _date(scanner, report)
        found = list(_about(asked, _READERS[scanner.name](report)))
        note = "its own database"
    except (LookupError, ValueError, TypeError, AttributeError) as error:
        note = f"it gave no report that can be read ({error})"
    return Answer(
        found,
        [
            Coverage(scanner.name, ecosystem, date is not None, len(group), note, date)
            for ecosystem, group in groups.items()
        ],
    )


def document(parts: Sequence[Part]) -> dict[str, Any]:
    """The parts in CycloneDX's form, with the distribution that scanners look Debian's up by."""
    release = next((p.ecosystem.partition(":")[2] for p in parts if p.architecture), "")
    system = {"type": "operating-system", "name": "debian", "version": release}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "components": [
            *([system] if release else []),
            *(
                {
                    "type": "library",
                    "bom-ref": part.purl,
                    "name": part.name,
                    "version": part.version,
                    "purl": part.purl,
                }
                for part in parts
            ),
        ],
    }


def _run(scanner: Scanner, parts: Sequence[Part]) -> Mapping[str, Any]:
    with tempfile.TemporaryDirectory(prefix="jhub-docker-audit-") as folder:
        file = Path(folder) / "parts.cdx.json"
        file.write_text(json.dumps(document(parts)), encoding="utf-8")
        return _told(scanner.name, *(word.format(file) for word in scanner.arguments))


def _told(*command: str) -> Mapping[str, Any]:
    """The JSON that a command writes, whatever its exit code: findings may be one."""
    ended = process.run(*command, seconds=_SECONDS)
    if not ended.raw.strip():
        raise ValueError(ended.tail(1) or f"exit code {ended.code}")
    value: Mapping[str, Any] = json.loads(ended.raw)
    return value


def _about(parts: Sequence[Part], said: Said) -> Iterator[tuple[Part, Advisory]]:
    """Scanners may write a package URL in another way, and then name and version tell the part."""
    known: dict[str, list[Part]] = {}
    for part in parts:
        for name in {part.purl, f"{part.name} {part.version}", f"{part.package} {part.version}"}:
            known.setdefault(name, []).append(part)
    for purl, name, advisory in said:
        for part in known.get(purl) or known.get(name) or ():
            yield part, advisory


def _date(scanner: Scanner, report: Mapping[str, Any]) -> datetime:
    """The date of the scanner's data; now for one that asks a service."""
    if scanner.name == "grype":
        database = report["descriptor"]["db"]
        text = database.get("status", database)["built"]
    elif scanner.date:
        text = _told(scanner.name, *scanner.date)["VulnerabilityDB"]["UpdatedAt"]
    else:
        return datetime.now(UTC)
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _grype(report: Mapping[str, Any]) -> Said:
    for match in report["matches"]:
        vulnerability, artifact = match["vulnerability"], match["artifact"]
        yield (
            artifact["purl"],
            f"{artifact['name']} {artifact['version']}",
            Advisory(
                id=vulnerability["id"],
                severity=rated(vulnerability.get("severity", "")),
                summary=_short(vulnerability.get("description", "")),
                aliases=frozenset(o["id"] for o in match.get("relatedVulnerabilities") or ()),
                fixed=tuple((vulnerability.get("fix") or {}).get("versions") or ()),
            ),
        )


def _trivy(report: Mapping[str, Any]) -> Said:
    for result in report.get("Results") or ():
        for one in result.get("Vulnerabilities") or ():
            fixed = one.get("FixedVersion", "").split(",")
            yield (
                one["PkgIdentifier"].get("PURL", ""),
                f"{one['PkgName']} {one['InstalledVersion']}",
                Advisory(
                    id=one["VulnerabilityID"],
                    severity=rated(one.get("Severity", "")),
                    summary=_short(one.get("Title") or one.get("Description") or ""),
                    aliases=frozenset(one.get("VendorIDs") or ()),
                    fixed=tuple(word.strip() for word in fixed if word.strip()),
                ),
            )


def _osv_scanner(report: Mapping[str, Any]) -> Said:
    for result in report["results"]:
        for entry in result["packages"]:
            package = entry["package"]
            name, version, ecosystem = (package[key] for key in ("name", "version", "ecosystem"))
            part = Part("", name, version, ecosystem, name, version)
            for record in entry.get("vulnerabilities") or ():
                if advisory := osv.advisory(record, part):
                    yield "", f"{name} {version}", advisory


_READERS = {"grype": _grype, "trivy": _trivy, "osv-scanner": _osv_scanner}


def _short(text: str) -> str:
    return " ".join(text.split())[:160]
