"""A bundle for a bug report: what somebody else has to know of a platform, and no secret of it.

Of people's servers there is nothing in it, nor of any volume: what is in one is nobody's business.
"""

import io
import json
import os
import platform as machine
import tarfile
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jhub_docker import engine
from jhub_docker.doctor import judging, redaction
from jhub_docker.doctor.examination import examine
from jhub_docker.errors import UsageError
from jhub_docker.host.machine import revision
from jhub_docker.platform import chosen, compose, containers, encrypted
from jhub_docker.platform.compose import HUB, Platform

LINES = 400
"""Of each service's log."""

OF_A_SERVICE = ("Name", "Image", "State", "RestartCount")
"""Of what the engine says of its container; whose image that is, Compose's view says."""

KEPT = """
import json, pathlib
places = [pathlib.Path("/srv/jupyterhub", name) for name in ("secrets", "group-secrets")]
files = [path for place in places for path in place.rglob("*")]
names = "proxy/token", "metrics/token", "metrics/grafana-password"
files = [one for one in [*files, *(pathlib.Path("/srv", name) for name in names)] if one.is_file()]
lines = [line for path in files for line in path.read_text("utf-8", "replace").splitlines()]
print(json.dumps([line.strip() for line in lines if len(line.strip()) > 3]))
"""
"""Run in the hub's container: what is never to be told, so that it can be left out."""


def report(root: Path, to: str = "") -> str:
    """Write the bundle; what to tell. Raises UsageError for a place where no file can be."""
    now = datetime.now(UTC)
    path = Path(to or f"jhub-report-{now:%Y%m%dT%H%M%SZ}.tar.gz").absolute()
    if path.is_dir() or not path.parent.is_dir():  # told before a minute's looking, not after
        raise UsageError(f"--to is {to!r}; expected a file to write, in a folder that is there")
    platform = chosen.read(root)
    there = containers.inspected(platform)
    known = _secrets(platform, there)
    resolved = compose.run(root, "config", "--format", "json", variables=platform.variables).out
    parts: dict[str, Any] = {
        "versions.json": _versions(platform),
        "settings.json": dict(platform.hub_environment),
        "doctor.json": examine(root).told(),
        "compose.json": json.loads(resolved),
        "services.json": [{key: one[key] for key in OF_A_SERVICE} for one in there],
    }
    files = {
        name: json.dumps(redaction.without_secrets(part, known), indent=2)
        for name, part in parts.items()
    }
    for one in there:
        log = engine.api().logs(one["Id"], tail=LINES, timestamps=True).decode(errors="replace")
        files[f"logs/{one['Name'].lstrip('/')}.txt"] = redaction.redacted(log, known)
    write(path, files)
    return (
        f"{path} has {', '.join(sorted(files))}.\nSecrets are left out; names of people and "
        "addresses in the logs are not: read it before you send it."
    )


def write(path: Path, files: Mapping[str, str]) -> None:
    """Write the files as an archive, which is its owner's alone from the first byte on."""
    path.unlink(missing_ok=True)
    with (
        os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file,
        tarfile.open(fileobj=file, mode="w:gz") as tar,
    ):
        for name, text in sorted(files.items()):
            entry, content = tarfile.TarInfo(f"jhub-report/{name}"), text.encode()
            entry.size, entry.mtime, entry.mode = len(content), int(time.time()), 0o600
            tar.addfile(entry, io.BytesIO(content))


def _secrets(platform: Platform, there: Iterable[Mapping[str, Any]]) -> set[str]:
    """The secrets there are: in variables, here and of the services, and in the hub's files."""
    found = redaction.values(os.environ.items())
    found |= redaction.values(encrypted.variables(platform.root).items())
    for one in there:
        found |= redaction.values(containers.variables(one).items())
        if containers.service(one) == HUB and judging.runs([one], HUB):
            found |= set(platform.told(HUB, KEPT))
    return found


def _versions(platform: Platform) -> dict[str, Any]:
    info, version = engine.api().info(), engine.api().version()
    wanted = ("Driver", "OperatingSystem", "KernelVersion", "CgroupVersion", "LiveRestoreEnabled")
    return {
        "checkout": found.tag if (found := revision(platform.root)) else "",
        "python": machine.python_version(),
        "engine": version["Version"],
        "compose": platform.compose("version", "--short").out.strip(),
        **{name: info.get(name) for name in (*wanted, "NCPU", "MemTotal")},
    }
