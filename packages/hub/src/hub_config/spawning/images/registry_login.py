"""Credentials for registries, in the form of Docker's own configuration file.

docker-py reads the file from the hub's home, which is the data volume, and hands a registry's
credentials to the engine with each pull. It passes over in silence what it cannot read.
"""

import json
from pathlib import Path
from typing import Any

from hub_config.errors import SettingsError

FILE = Path(".docker") / "config.json"
"""Below the data volume."""


def check(data: Path) -> None:
    """Raises SettingsError for a file that docker-py would pass over, or could not use here.

    The message never holds what is in the file.
    """
    path = data / FILE
    try:
        if not path.exists():
            return
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise SettingsError(
            f"{path}: the credentials for registries cannot be read: {reason}. The file has to "
            "belong to the hub's user; see packages/hub/README.md, Images in a registry"
        ) from None
    if problem := _problem(text):
        raise SettingsError(f"{path}: {problem}; expected is what `docker login` writes")


def _problem(text: str) -> str:
    try:
        found: Any = json.loads(text)
    except ValueError:
        return "it is not valid JSON"
    if not isinstance(found, dict):
        return "it is no JSON object"
    if helpers := [name for name in ("credsStore", "credHelpers") if found.get(name)]:
        return (
            f"{helpers[0]} names a credential helper, a program that the hub's image does not "
            "have: log in with an empty configuration, as in docker --config FOLDER login"
        )
    entries = found.get("auths")
    if not isinstance(entries, dict) or not entries:
        return "it has no `auths`, so no credentials"
    for registry, entry in entries.items():
        known = isinstance(entry, dict) and (entry.get("auth") or entry.get("identitytoken"))
        if not known:
            return f"the entry of {registry} has neither `auth` nor `identitytoken`"
    return ""
