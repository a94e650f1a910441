"""A scanner that is on PATH, with a database of its own: grype or trivy.

It is given the parts as a CycloneDX document and read in JSON.
"""

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from jhub_docker import process
from jhub_docker.release.audit.findings import Advisory, Said, Source, rated, short
from jhub_docker.release.audit.parts import Part

_SECONDS = 900.0
"""A first run fetches the scanner's database."""

Document = Mapping[str, Any]
Told = Iterator[tuple[str, str, Advisory]]
"""Package URL of a part, its name and version with a blank between them, what is said of it."""


def _grype(report: Document) -> Told:
    for match in report["matches"]:
        vulnerability, artifact = match["vulnerability"], match["artifact"]
        advisory = Advisory(
            id=vulnerability["id"],
            severity=rated(vulnerability.get("severity", "")),
            summary=short(vulnerability.get("description", "")),
            aliases=frozenset(o["id"] for o in match.get("relatedVulnerabilities") or ()),
            fixed=tuple((vulnerability.get("fix") or {}).get("versions") or ()),
        )
        yield artifact["purl"], f"{artifact['name']} {artifact['version']}", advisory


def _trivy(report: Document) -> Told:
    if "SchemaVersion" not in report:  # one without results has that
        raise ValueError("it is no report")
    found = (one for r in report.get("Results") or () for one in r.get("Vulnerabilities") or ())
    for one in found:
        fixed = (word.strip() for word in one.get("FixedVersion", "").split(","))
        advisory = Advisory(
            id=one["VulnerabilityID"],
            severity=rated(one.get("Severity", "")),
            summary=short(one.get("Title") or one.get("Description") or ""),
            aliases=frozenset(one.get("VendorIDs") or ()),
            fixed=tuple(word for word in fixed if word),
        )
        purl = one["PkgIdentifier"].get("PURL", "")
        yield purl, f"{one['PkgName']} {one['InstalledVersion']}", advisory


def _grype_date(report: Document) -> str:
    database = report["descriptor"]["db"]
    return str(database.get("status", database)["built"])


def _trivy_date(report: Document) -> str:
    return str(_told("trivy", "version", "--format", "json")["VulnerabilityDB"]["UpdatedAt"])


@dataclass(frozen=True)
class Scanner:
    """`arguments` have a place for the document's path.

    `read` tells what a report says, `date` the date of the data it is from.
    """

    name: str
    arguments: tuple[str, ...]
    read: Callable[[Document], Told]
    date: Callable[[Document], str]


SCANNERS = (
    Scanner("grype", ("--quiet", "--output", "json", "sbom:{}"), _grype, _grype_date),
    Scanner("trivy", ("sbom", "--quiet", "--format", "json", "{}"), _trivy, _trivy_date),
)


def here() -> list[Source]:
    """The first scanner that is on PATH, if there is one."""
    scanners = [one for one in SCANNERS if shutil.which(one.name)][:1]
    return [Source(one.name, "its own database", partial(_ask, one)) for one in scanners]


def _ask(scanner: Scanner, parts: list[Part]) -> tuple[Said, datetime]:
    report = _run(scanner, parts)
    said = list(_about(parts, scanner.read(report)))
    dated = datetime.fromisoformat(scanner.date(report))
    return said, dated if dated.tzinfo else dated.replace(tzinfo=UTC)


def document(parts: Sequence[Part]) -> dict[str, Any]:
    """The parts in CycloneDX's form, with the distribution that scanners look Debian's up by."""
    releases = (p.ecosystem.partition(":")[2] for p in parts)
    release = next(filter(None, releases), "")
    system = {"type": "operating-system", "name": "debian", "version": release}
    listed = [
        {"type": "library", "bom-ref": purl, "name": p.name, "version": p.version, "purl": purl}
        for p, purl in ((p, _published(p)) for p in parts)
    ]
    components = [system, *listed] if release else listed
    return {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": components}


def _published(part: Part) -> str:
    """Its package URL; of a program that one where advisories about it are."""
    return part.purl.replace("pkg:generic/", f"pkg:{part.ecosystem.lower()}/", 1)


def _run(scanner: Scanner, parts: Sequence[Part]) -> Document:
    with tempfile.TemporaryDirectory(prefix="jhub-docker-audit-") as folder:
        file = Path(folder) / "parts.cdx.json"
        file.write_text(json.dumps(document(parts)), encoding="utf-8")
        words = (word.format(file) for word in scanner.arguments)
        # Beside no file that would have it leave out what nobody has allowed with a reason.
        return _told(scanner.name, *words, cwd=Path(folder))


def _told(*command: str, cwd: Path | None = None) -> Document:
    """The JSON that a command writes, whatever its exit code: findings may be one."""
    ended = process.run(*command, cwd=cwd, seconds=_SECONDS)
    if not ended.raw.strip():
        raise ValueError(ended.tail(1) or f"exit code {ended.code}")
    value: Document = json.loads(ended.raw)
    return value


def _about(parts: Sequence[Part], said: Told) -> Iterator[tuple[Part, Advisory]]:
    """Scanners may write a package URL in another way, and then name and version tell the part.

    Raises ValueError for what is said of none of them: nobody would hear of it.
    """
    known: dict[str, list[Part]] = {}
    for part in parts:
        names = {f"{name} {part.version}" for name in (part.name, part.package)}
        for name in {*names, _published(part)}:
            known.setdefault(name, []).append(part)
    for purl, name, advisory in said:
        if not (meant := known.get(purl) or known.get(name)):
            raise ValueError(f"{advisory.id} is about {name}, which is no part")
        yield from ((part, advisory) for part in meant)
