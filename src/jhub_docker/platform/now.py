"""What goes on at this moment: the services as the engine knows them, and what the hub says of
people's servers, hub, proxy, queue and disk, in its own words (hub_config, now/rows.py).
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jhub_docker import table
from jhub_docker.errors import UsageError
from jhub_docker.platform import compose, containers

ANSWER_SECONDS = 90
"""What the hub may take; it has deadlines of its own for engine and proxy."""

SERVICE_COLUMNS = ("container", "role", "state", "image", "origin", "started")

FIGURES = ("cpu", "memory", "home", "idle")


@dataclass(frozen=True)
class Now:
    """What was seen. `silent` is why the hub said nothing; then `services` has servers too."""

    services: list[dict[str, str]]
    said: dict[str, Any] = field(default_factory=dict)
    silent: str = ""

    def told(self) -> dict[str, Any]:
        """All of it, for programs."""
        said: dict[str, Any] = {"servers": [], "platform": {}, "lines": [], "near": []}
        said |= {name: self.said[name] for name in said if name in self.said}
        return {"services": self.services, **said, "hub_says_nothing": self.silent}

    def text(self) -> str:
        """All of it, for people: what is near a limit comes last, where it is seen."""
        if not self.services:
            return "The platform does not run; start it with ./dev invoke up"
        cells = [[row[column] for column in SERVICE_COLUMNS] for row in self.services]
        parts = [table.render(SERVICE_COLUMNS, cells)]
        if self.silent:
            return "\n".join([*parts, "", f"The hub says nothing of what goes on: {self.silent}"])
        columns, servers = self.said["columns"], self.said["servers"]
        cells = [[*map(one["shown"].get, columns), one["container"]] for one in servers]
        listing = table.render([*columns, "container"], cells, right=FIGURES) if cells else ""
        parts += ["", listing or "No server runs.", ""]
        parts += [f"{name}: {says}" for name, says in self.said["lines"]]
        near = [f"! {sentence}" for sentence in self.said["near"]]
        return "\n".join([*parts, *([""] if near else []), *near])


def look(root: Path, order: str = "person") -> Now:
    """What goes on; servers are sorted by a column. Raises UsageError for one that is none."""
    platform = compose.read(root)
    rows, ended = containers.status(platform), platform.in_hub("now", order, seconds=ANSWER_SECONDS)
    if "is no column" in ended.err:
        raise UsageError(f"--sort: {ended.err.strip()}")
    try:
        said, silent = dict(json.loads(ended.out)), ""
    except ValueError:
        said, silent = {}, ended.tail(1) or f"exit code {ended.code}"
    services = [row for row in rows if silent or row["role"] != containers.SERVER]
    return Now(services, said, silent)
