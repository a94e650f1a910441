"""Where each secret is, how old it is, and who can read it."""

import json
import re
import stat
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from docker import DockerClient

from jhub_docker.backup import container as backups
from jhub_docker.errors import ActionError, JhubDockerError
from jhub_docker.platform import chosen, compose, containers
from jhub_docker.platform.compose import Platform

_SECRET = re.compile(r"(SECRET|PASSWORD|TOKEN|CREDENTIALS?|(?<!PUBLIC)_KEY)(_ID)?$", re.IGNORECASE)

EVERYBODY = "whoever may use Docker (docker inspect)"


def is_secret(variable: str) -> bool:
    """Whether a variable's value may be shown to nobody, by its name; a file's name is none."""
    return bool(_SECRET.search(variable))


def listing(client: DockerClient, root: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """A row for each secret, and what could not be looked at, with the reason."""
    platform, rows, unseen = chosen.read(client, root), [], []
    beside = backups.with_service(platform)
    try:
        told = platform.in_hub("secrets").require("the hub's own", 1)
        rows += [_row(one, "hub and proxy", "the hub") for one in json.loads(told)]
    except ActionError as error:
        unseen.append(str(error))
    try:
        beside.require_image(backups.SERVICE)
        told = beside.once(backups.SERVICE, "setting", "list").require(lines=1)
        rows += [_row(one, "", "root in a backup's container") for one in json.loads(told)]
    except JhubDockerError as error:
        unseen.append(f"the backups' key: {error}")
    for place, names in shown(containers.inspected(client, platform)).items():
        rows += [
            {"name": name, "place": f"the container {place}", "days": None, "readers": EVERYBODY}
            for name in names
        ]
    return rows + _in_files(platform), unseen


def _row(one: Mapping[str, Any], of_proxy: str, readers: str) -> dict[str, Any]:
    """A file in a volume. One that others than its owner can read is told as such."""
    who = of_proxy if one["name"] == "proxy-token" else readers
    if int(one["mode"], 8) & 0o077:
        who += f", and others: mode {one['mode']}"
    return {key: one[key] for key in ("name", "place", "days")} | {"readers": who}


def shown(there: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """The secrets that containers have as variables, by the containers' names. Pure."""
    found = {}
    for one in there:
        pairs = containers.variables(one).items()
        if held := sorted(name for name, value in pairs if value and is_secret(name)):
            found[str(one["Name"]).lstrip("/")] = held
    return found


def _in_files(platform: Platform) -> list[dict[str, Any]]:
    """The secrets of the settings' files beside compose.yaml."""
    rows = []
    for name in (".env", ".env.sops"):
        if not (file := platform.root / name).is_file():
            continue
        mode = stat.S_IMODE(file.stat().st_mode)
        readers = f"users of this machine: mode {mode:04o}" if mode & 0o077 else "its owner"
        readers = "who has one of its keys (encrypted)" if name.endswith(".sops") else readers
        rows += [
            {
                "name": one,
                "place": str(file),
                "days": round((time.time() - file.stat().st_mtime) / 86400, 1),
                "readers": readers,
            }
            for one in compose.written(file)
            if is_secret(one)
        ]
    return rows
