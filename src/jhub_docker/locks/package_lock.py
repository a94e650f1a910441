"""npm's `package-lock.json` (lockfileVersion 3)."""

import json
from pathlib import Path

from jhub_docker import locks
from jhub_docker.locks import Packages

NAME = "package-lock.json"


def read(file: Path) -> Packages:
    """The versions that a lock pins, and what the project asks for; none where there is no lock.

    They are by the folder a package is in, the first `node_modules/` left out: a name alone is not
    enough, since npm installs several versions of a package. Raises UsageError for what is no lock.
    """
    return locks.read(file, "npm", _parse)


def _parse(text: str) -> Packages:
    entries = json.loads(text)["packages"] if text else {}
    own = entries.pop("", {})
    versions = {
        path.removeprefix("node_modules/"): str(entry.get("version", ""))
        for path, entry in entries.items()
    }
    return Packages(versions, set(own.get("dependencies", ())))
