"""npm's `package-lock.json` (lockfileVersion 3) as typed values."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jhub_docker.errors import UsageError

NAME = "package-lock.json"


@dataclass(frozen=True)
class NodePackage:
    """A package of a lock; `sha512` is its archive's, in hex, empty where the lock has none."""

    name: str
    version: str
    sha512: str = ""


@dataclass(frozen=True)
class PackageLock:
    """All that a lock pins, by the folder npm puts it into; and what the project asks for."""

    packages: Mapping[str, NodePackage]
    direct: frozenset[str] = frozenset()

    @property
    def versions(self) -> dict[str, str]:
        """The version of each package by the folder it is in, the first `node_modules/` left out.

        A name alone is not enough: npm installs several versions of a package.
        """
        return {
            path.removeprefix("node_modules/"): one.version for path, one in self.packages.items()
        }


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
    packages = {path: _package(path, entry) for path, entry in entries.items() if path}
    return PackageLock(packages, frozenset(entries.get("", {}).get("dependencies", ())))


def _package(path: str, entry: Mapping[str, Any]) -> NodePackage:
    kind, _, value = entry.get("integrity", "").partition("-")
    return NodePackage(
        name=entry.get("name") or path.rpartition("node_modules/")[2],
        version=entry.get("version", ""),
        sha512=base64.b64decode(value).hex() if kind == "sha512" else "",
    )
