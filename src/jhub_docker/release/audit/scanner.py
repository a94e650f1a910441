"""A scanner that is on PATH, with a database of its own: grype or trivy.

It is given the parts as a CycloneDX document and read in JSON.
"""

import json
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from jhub_docker import process
from jhub_docker.release.audit.findings import Advisory, Said, Source, rated, short
from jhub_docker.release.audit.parts import Part

_SECONDS = 900.0
"""A first run fetches the scanner's database."""

Told = tuple[str, str, Advisory]
"""Package URL of a part, its name and version with a blank between them, what is said of it."""


def _grype(file: Path) -> tuple[list[Told], str]:
    report = _json("grype", "--quiet", "--output", "json", f"sbom:{file}", cwd=file.parent)
    told = []
    for match in report["matches"]:
        vulnerability, artifact = match["vulnerability"], match["artifact"]
        advisory = Advisory(
            id=vulnerability["id"],
            severity=rated(vulnerability.get("severity", "")),
            summary=short(vulnerability.get("description", "")),
            aliases=frozenset(o["id"] for o in match.get("relatedVulnerabilities") or ()),
            fixed=tuple((vulnerability.get("fix") or {}).get("versions") or ()),
        )
        told.append((artifact["purl"], f"{artifact['name']} {artifact['version']}", advisory))
    database = report["descriptor"]["db"]
    return told, database.get("status", database)["built"]


def _trivy(file: Path) -> tuple[list[Told], str]:
    report = _json("trivy", "sbom", "--quiet", "--format", "json", str(file), cwd=file.parent)
    if "SchemaVersion" not in report:  # one without results has that
        raise ValueError("it is no report")
    told = []
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
        name = f"{one['PkgName']} {one['InstalledVersion']}"
        told.append((one["PkgIdentifier"].get("PURL", ""), name, advisory))
    version = _json("trivy", "version", "--format", "json", cwd=file.parent)
    return told, version["VulnerabilityDB"]["UpdatedAt"]


Scanner = Callable[[Path], tuple[list[Told], str]]
"""What one says of the document in a file, and the day of its database."""

SCANNERS: Mapping[str, Scanner] = {"grype": _grype, "trivy": _trivy}


def here() -> list[Source]:
    """The first scanner that is on PATH, if there is one."""
    found = [name for name in SCANNERS if shutil.which(name)][:1]
    return [Source(name, partial(_ask, SCANNERS[name])) for name in found]


def _ask(scan: Scanner, parts: list[Part]) -> tuple[Said, datetime]:
    # Beside no file that would have a scanner leave out what nobody has allowed with a reason.
    with tempfile.TemporaryDirectory(prefix="jhub-docker-audit-") as folder:
        file = Path(folder) / "parts.cdx.json"
        file.write_text(json.dumps(document(parts)), encoding="utf-8")
        told, built = scan(file)
    dated = datetime.fromisoformat(built)
    return list(_about(parts, told)), dated if dated.tzinfo else dated.replace(tzinfo=UTC)


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


def _json(*command: str, cwd: Path) -> Any:
    """The JSON that a command writes, whatever its exit code: findings may be one."""
    ended = process.run(*command, cwd=cwd, seconds=_SECONDS)
    if not ended.raw.strip():
        raise ValueError(ended.tail(1) or f"exit code {ended.code}")
    return json.loads(ended.raw)


def _about(parts: Sequence[Part], said: Iterable[Told]) -> Iterator[tuple[Part, Advisory]]:
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
