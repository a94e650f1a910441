"""npm's `package-lock.json` (lockfileVersion 3) as typed values."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jhub_docker.errors import UsageError

NAME = "package-lock.json"


@dataclass(frozen=True)
class PackageLock:
    """The versions that a lock pins, and what the project asks for.

    They are by the folder a package is in, the first `node_modules/` left out: a name alone is not
    enough, since npm installs several versions of a package.
    """

    versions: Mapping[str, str]
    direct: frozenset[str] = frozenset()


def read(file: Path) -> PackageLock:
    """Read a lock; one that is not there pins nothing. Raises UsageError for what is no lock."""
    try:
        return parse(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return PackageLock({})
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{file} is not a lock that npm wrote ({error}); remove it and make it anew with "
            "./dev invoke lock"
        ) from None


def parse(text: str) -> PackageLock:
    """Read the text of a lock; raises what json and a wrong form raise for another."""
    entries: dict[str, dict[str, Any]] = json.loads(text)["packages"]
    versions = {
        path.removeprefix("node_modules/"): str(entry.get("version", ""))
        for path, entry in entries.items()
        if path
    }
    return PackageLock(versions, frozenset(entries.get("", {}).get("dependencies", ())))
