"""A local copy of OSV's export: `all.zip` files per ecosystem, or folders of JSON records."""

import json
import zipfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from jhub_docker.errors import UsageError
from jhub_docker.release.audit import osv
from jhub_docker.release.audit.components import Component
from jhub_docker.release.audit.osv import Advisory
from jhub_docker.release.audit.sources.answer import Answer, Coverage, by_ecosystem


def ask(path: Path, components: Iterable[Component]) -> Answer:
    """Judge the components by the records in `path`, a zip file or a folder of zips and JSON.

    An ecosystem is covered when the copy has records of it. Raises UsageError when there is no
    record at all, or one that is no OSV record.
    """
    groups = by_ecosystem(components)
    wanted: dict[tuple[str, str], list[Component]] = {}
    for members in groups.values():
        for component in members:
            wanted.setdefault((component.ecosystem, component.package), []).append(component)
    counts: dict[str, int] = {}
    newest: dict[str, datetime] = {}
    found: list[tuple[Component, Advisory]] = []
    total = 0
    for record in _records(path):
        total += 1
        about = set(osv.packages(record))
        modified = _modified(record, path)
        for ecosystem in {ecosystem for ecosystem, _ in about}:
            counts[ecosystem] = counts.get(ecosystem, 0) + 1
            newest[ecosystem] = max(modified, newest.get(ecosystem, modified))
        for component in (component for key in about for component in wanted.get(key, ())):
            if advisory := osv.judge(record, component):
                found.append((component, advisory))
    if not total:
        raise UsageError(
            f"{path} holds no OSV records; expected a folder with JSON files or OSV's all.zip files"
        )
    coverage = [
        Coverage(
            source=f"copy of OSV in {path}",
            ecosystem=ecosystem,
            reached=ecosystem in counts,
            components=len(members),
            note=f"{counts[ecosystem]} records" if ecosystem in counts else "it has no records",
            date=newest.get(ecosystem),
        )
        for ecosystem, members in groups.items()
    ]
    return Answer(found, coverage)


def _records(path: Path) -> Iterator[dict[str, Any]]:
    for name, data in _files(path):
        try:
            record = json.loads(data)
        except ValueError as error:
            raise UsageError(f"{name} is not valid JSON: {error}") from None
        if not isinstance(record, dict) or not {"id", "modified"} <= set(record):
            raise UsageError(f"{name} is no OSV record: it lacks 'id' or 'modified'")
        yield record


def _files(path: Path) -> Iterator[tuple[str, bytes]]:
    if path.is_dir():
        for file in sorted(path.rglob("*")):
            if file.suffix in (".json", ".zip"):
                yield from _files(file)
    elif path.suffix == ".json" and path.is_file():
        yield str(path), path.read_bytes()
    elif path.is_file():
        try:
            with zipfile.ZipFile(path) as archive:
                for member in archive.namelist():
                    if member.endswith(".json"):
                        yield f"{path}:{member}", archive.read(member)
        except zipfile.BadZipFile as error:
            raise UsageError(f"{path} is no zip file: {error}; get it again") from None
    else:
        raise UsageError(f"there is no vulnerability database at {path}; expected a folder or zip")


def _modified(record: dict[str, Any], path: Path) -> datetime:
    try:
        moment = datetime.fromisoformat(record["modified"])
    except (TypeError, ValueError):
        moment = None
    if moment is None or moment.tzinfo is None:
        raise UsageError(
            f"{path}: record {record['id']} was modified {record['modified']!r}; expected RFC 3339"
        )
    return moment
