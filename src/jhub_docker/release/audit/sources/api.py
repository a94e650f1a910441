"""OSV's service: which vulnerabilities it knows of the components, at this moment.

https://google.github.io/osv.dev/api/: `POST /v1/querybatch` compares versions itself and gives
identifiers, `GET /v1/vulns/ID` the record.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from jhub_docker.host import machine
from jhub_docker.release.audit import osv
from jhub_docker.release.audit.components import Component
from jhub_docker.release.audit.sources.answer import Answer, Coverage, by_ecosystem

ADDRESS = "https://api.osv.dev"
_BATCH = 500
"""Queries in one call; the service takes up to 1000."""

_SECONDS = (10, 60)
"""To connect, and to wait for more of an answer."""


def address(environment: Mapping[str, str] = os.environ) -> str:
    """Where the service is: JHUB_DOCKER_OSV_API names a mirror of it."""
    return (environment.get("JHUB_DOCKER_OSV_API") or ADDRESS).rstrip("/")


def ask(components: Iterable[Component], service: str | None = None) -> Answer:
    """Ask the service. Where it fails half-way nothing is covered: half an answer is none."""
    service = service or address()
    groups = by_ecosystem(components)
    asked = [component for members in groups.values() for component in members]
    if not asked:
        return Answer()
    try:
        with _session() as session:
            found, moment = _query(session, service, asked)
    except (requests.RequestException, ValueError, KeyError, TypeError, AttributeError) as error:
        return Answer(coverage=_coverage(service, groups, why(error), None))
    note = "asked by package and version"
    return Answer(found, _coverage(service, groups, note, moment))


def why(error: BaseException) -> str:
    """The heart of a failed request in a few words, without the objects it went through."""
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"it answered {error.response.status_code} {error.response.reason}".rstrip()
    if not isinstance(error, requests.RequestException):
        return f"it gave no answer in OSV's form ({type(error).__name__}: {error})"
    inner: Any = error
    while deeper := getattr(inner, "reason", None) or next(
        (item for item in getattr(inner, "args", ()) if isinstance(item, BaseException)), None
    ):
        inner = deeper
    return " ".join(str(inner).rpartition(">: ")[2].rpartition("): ")[2].split()) or str(error)


def _coverage(
    service: str,
    groups: Mapping[str, Sequence[Component]],
    note: str,
    moment: datetime | None,
) -> list[Coverage]:
    return [
        Coverage(f"OSV at {service}", ecosystem, moment is not None, len(members), note, moment)
        for ecosystem, members in groups.items()
    ]


def _session() -> requests.Session:
    session = requests.Session()
    # A name that does not resolve is not tried again, a service that is busy is.
    retry = Retry(
        total=4,
        connect=1,
        backoff_factor=0.5,
        status_forcelist=(429, 500, 502, 503, 504),
        allowed_methods=None,
        raise_on_status=False,
    )
    session.mount("https://", HTTPAdapter(max_retries=retry))
    session.mount("http://", HTTPAdapter(max_retries=retry))
    session.verify = machine.ca_bundle() or True
    return session


def _query(
    session: requests.Session, service: str, asked: Sequence[Component]
) -> tuple[list[tuple[Component, osv.Advisory]], datetime]:
    packages: dict[tuple[str, str, str], list[Component]] = {}
    for component in asked:
        packages.setdefault(component.key, []).append(component)
    queries = [
        (key, {"package": {"ecosystem": key[0], "name": key[1]}, "version": key[2]})
        for key in packages
    ]
    hits: list[tuple[tuple[str, str, str], str]] = []
    moment = datetime.now(UTC)
    while queries:
        batch, queries = queries[:_BATCH], queries[_BATCH:]
        response = session.post(
            f"{service}/v1/querybatch",
            json={"queries": [query for _, query in batch]},
            timeout=_SECONDS,
        )
        response.raise_for_status()
        if "Date" in response.headers:
            moment = parsedate_to_datetime(response.headers["Date"])
        results = response.json()["results"]
        for (key, query), result in zip(batch, results, strict=True):
            hits += [(key, vulnerability["id"]) for vulnerability in result.get("vulns") or ()]
            if token := result.get("next_page_token"):
                queries.append((key, {**query, "page_token": token}))
    records = _records(session, service, sorted({identifier for _, identifier in hits}))
    found = []
    for key, identifier in hits:
        for component in packages[key]:
            if advisory := osv.judge(records[identifier], component, affected=True):
                found.append((component, advisory))
    return found, moment


def _records(
    session: requests.Session, service: str, identifiers: Sequence[str]
) -> dict[str, dict[str, Any]]:
    def get(identifier: str) -> dict[str, Any]:
        response = session.get(f"{service}/v1/vulns/{quote(identifier)}", timeout=_SECONDS)
        response.raise_for_status()
        record: dict[str, Any] = response.json()
        return record

    with ThreadPoolExecutor(8) as pool:
        return dict(zip(identifiers, pool.map(get, identifiers), strict=True))
