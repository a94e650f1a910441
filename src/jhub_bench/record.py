"""The JSON files in `.bench/`: one for each run of the benchmarks, and finding the last one."""

import json
import os
import platform
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from docker import DockerClient

from jhub_bench.figures import Figure
from jhub_docker.host import machine

FOLDER = ".bench"
FORMAT = 1


def previous(root: Path) -> dict[str, Figure]:
    """The newest figure of each kind that earlier runs wrote, by key.

    A file that is not one of ours (another format, cut off) is passed over.
    """
    found: dict[str, Figure] = {}
    for path in sorted((root / FOLDER).glob("*.json")):
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            if record["format"] != FORMAT:
                continue
            figures = [Figure.from_record(entry) for entry in record["figures"]]
        except (ValueError, KeyError, TypeError):
            continue
        found |= {figure.key: figure for figure in figures}
    return found


def load() -> float:
    """How many processes want a CPU, on average over the last minute."""
    return round(os.getloadavg()[0], 2)


def write(
    root: Path,
    client: DockerClient,
    figures: Iterable[Figure],
    started: datetime,
    runs: int,
    load_before: float,
) -> Path:
    """Write what was found to `.bench/<time in UTC>.json`; returns the file."""
    folder = root / FOLDER
    folder.mkdir(exist_ok=True)
    path = folder / f"{started.astimezone(UTC):%Y%m%dT%H%M%SZ}.json"
    record = {
        "format": FORMAT,
        "started": started.isoformat(timespec="seconds"),
        "seconds": round((datetime.now(UTC) - started).total_seconds(), 1),
        "runs": runs,
        "machine": machine_of(client, root) | {"load_before": load_before, "load_after": load()},
        "figures": [figure.as_record() for figure in figures],
    }
    path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return path


def machine_of(client: DockerClient, root: Path) -> dict[str, Any]:
    """What the figures depend on; nothing that names this machine."""
    info: dict[str, Any] = client.info()
    revision = machine.revision(root)
    return {
        "cpus": info.get("NCPU"),
        "memory_bytes": info.get("MemTotal"),
        "engine": info.get("ServerVersion"),
        "storage_driver": info.get("Driver"),
        "system": f"{platform.system()} {platform.machine()}",
        "revision": revision.tag if revision else None,
    }
