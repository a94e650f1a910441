"""OSV's service: which vulnerabilities it knows of the parts, at this moment.

https://google.github.io/osv.dev/api/: `POST /v1/querybatch` compares versions itself and gives
identifiers, `GET /v1/vulns/ID` the record (https://ossf.github.io/osv-schema/, 1.7).
"""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any
from urllib.parse import quote

import requests
from cvss import CVSS2, CVSS3, CVSS4
from cvss.exceptions import CVSSError
from packaging.utils import canonicalize_name
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from jhub_docker.host import machine
from jhub_docker.release.audit.findings import Advisory, Said, Severity, Source, rated, short
from jhub_docker.release.audit.parts import Part

ADDRESS = "https://api.osv.dev"
_BATCH = 500
"""Queries in one call; the service takes up to 1000."""

_SECONDS = (10, 60)
"""To connect, and to wait for more of an answer."""


def service() -> Source:
    """The service, or the mirror of it that JHUB_DOCKER_OSV_API names."""
    address = (os.environ.get("JHUB_DOCKER_OSV_API") or ADDRESS).rstrip("/")
    return Source(f"OSV at {address}", partial(_ask, address))


def _ask(address: str, parts: list[Part]) -> tuple[Said, datetime]:
    try:
        with _session() as session:
            return _query(session, address, parts)
    except requests.ConnectionError as error:  # its heart, without the objects it went through
        raise OSError(str(error).rpartition(": ")[2].rstrip("')\"")) from None


def advisory(record: Mapping[str, Any], part: Part) -> Advisory | None:
    """What a record that is about the part says of it; None for one that was taken back."""
    if record.get("withdrawn"):
        return None
    entries = [
        entry
        for entry in record.get("affected") or ()
        if _package(entry.get("package") or {}) == (part.ecosystem, part.package)
    ]
    events = (
        event
        for entry in entries
        for item in entry.get("ranges") or ()
        if item.get("type") != "GIT"  # the ecosystem's versions are beside those
        for event in item.get("events") or ()
    )
    upstream = frozenset(record.get("upstream") or ())
    # A distribution's record of one CVE is that CVE; an announcement of several is none of them.
    same = upstream if len(upstream) == 1 else frozenset()
    return Advisory(
        id=record["id"],
        severity=max(severity(record, entry) for entry in entries or [{}]),
        summary=short(record.get("summary") or record.get("details") or ""),
        aliases=frozenset(record.get("aliases") or ()) | same,
        collects=upstream - same,
        fixed=tuple(dict.fromkeys(event["fixed"] for event in events if "fixed" in event)),
    )


def severity(record: Mapping[str, Any], affected: Mapping[str, Any]) -> Severity:
    """The severity in a record for one of its `affected` packages.

    In this order: Debian's `unimportant` (its package is not really affected), the reviewers' word
    of GitHub's database, the newest CVSS vector, Debian's other urgencies.
    """
    specific = affected.get("ecosystem_specific") or {}
    # Debian's tracker marks with one or two asterisks what it has set by a heuristic.
    urgency = str(specific.get("urgency", "")).rstrip("*").lower()
    if urgency == "unimportant":
        return Severity.LOW
    reviewed = str((record.get("database_specific") or {}).get("severity") or "")
    vectors = [*(affected.get("severity") or ()), *(record.get("severity") or ())]
    return rated(reviewed) or _by_vector(vectors) or rated(urgency)


def _by_vector(vectors: Sequence[Mapping[str, Any]]) -> Severity:
    for kind, calculator in (("CVSS_V4", CVSS4), ("CVSS_V3", CVSS3), ("CVSS_V2", CVSS2)):
        found = [Severity.UNKNOWN]
        for vector in (one.get("score", "") for one in vectors if one.get("type") == kind):
            with suppress(CVSSError):
                score = calculator(vector)
                found.append(rated(score.severity if kind == "CVSS_V4" else score.severities()[0]))
        if worst := max(found):
            return worst
    return Severity.UNKNOWN


def _package(package: Mapping[str, str]) -> tuple[str, str]:
    ecosystem, name = package.get("ecosystem", ""), package.get("name", "")
    return ecosystem, canonicalize_name(name) if ecosystem == "PyPI" else name


def _session() -> requests.Session:
    session = requests.Session()
    # A name that does not resolve is not tried again, a service that is busy is.
    busy = (429, 500, 502, 503, 504)
    retry = Retry(
        total=4, connect=1, backoff_factor=0.5, status_forcelist=busy, allowed_methods=None,
        raise_on_status=False,
    )  # fmt: skip
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(max_retries=retry))
    session.verify = machine.ca_bundle() or True
    return session


def _query(session: requests.Session, service: str, parts: Sequence[Part]) -> tuple[Said, datetime]:
    packages: dict[tuple[str, str, str], list[Part]] = {}
    for part in parts:
        packages.setdefault(part.key, []).append(part)
    queries = [
        (key, {"package": {"ecosystem": key[0], "name": key[1]}, "version": key[2]})
        for key in packages
    ]
    hits: list[tuple[tuple[str, str, str], str]] = []
    moment = datetime.now(UTC)
    while queries:
        batch, queries = queries[:_BATCH], queries[_BATCH:]
        body = {"queries": [query for _, query in batch]}
        response = session.post(f"{service}/v1/querybatch", json=body, timeout=_SECONDS)
        response.raise_for_status()
        if "Date" in response.headers:
            moment = parsedate_to_datetime(response.headers["Date"])
        for (key, query), result in zip(batch, response.json()["results"], strict=True):
            hits += [(key, vulnerability["id"]) for vulnerability in result.get("vulns") or ()]
            if token := result.get("next_page_token"):
                queries.append((key, {**query, "page_token": token}))

    def record(identifier: str) -> Any:
        response = session.get(f"{service}/v1/vulns/{quote(identifier)}", timeout=_SECONDS)
        response.raise_for_status()
        return response.json()

    identifiers = sorted({identifier for _, identifier in hits})
    with ThreadPoolExecutor(8) as pool:
        records = dict(zip(identifiers, pool.map(record, identifiers), strict=True))
    found = [
        (part, said)
        for key, identifier in hits
        for part in packages[key]
        if (said := advisory(records[identifier], part))
    ]
    return found, moment
