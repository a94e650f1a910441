"""What Compose says of variables it cannot use, as a sentence that names the variable; and what it
takes though the engine will not. Pure.
"""

import re
from collections.abc import Mapping

_PATHS = ("_FILES", "_SOCKET", "_VOLUMES")

_RESTARTS = re.compile(r"no|always|unless-stopped|on-failure(:[0-9]+)?")
"""Policies of the engine (`docker run --restart`)."""


def unheard(said: Mapping[str, str]) -> str:
    """What to say of a variable that Compose understands as something else; empty for none."""
    for name, value in sorted(said.items()):
        if name.startswith("JHUB_") and name.endswith(_PATHS) and re.fullmatch("[a-zA-Z]", value):
            return f"{name} is {value!r}; expected a whole path"  # a drive, for Compose
    restart = said.get("JHUB_RESTART", "")
    if restart and not _RESTARTS.fullmatch(restart):
        return f"JHUB_RESTART is {restart!r}; expected unless-stopped, always, no or on-failure"
    return ""


def sentence(problem: str, said: Mapping[str, str]) -> str:
    """What to say of variables that Compose cannot use: the one it means, by its value."""
    for pattern, expected, end in (
        (r"Invalid (?:host|container)Port: (.*)", "a port from 1 to 65535", "_PORT"),
        (r"Invalid ip address: (.*)", "an address of the engine's machine", "_BIND"),
        (r"undefined volume (.*?)(?:: |$)", "a whole path", _PATHS),
        (r"invalid size: '(.*)'", "a size such as 8g", "_MEMORY"),
    ):
        found = re.search(pattern, problem)
        names = [one for one in sorted(said) if one.startswith("JHUB_") and one.endswith(end)]
        if found and (names := [one for one in names if said[one] == found[1]]):
            return f"{' and '.join(names)} is {found[1]!r}; expected {expected}"
    return (
        f"compose.yaml cannot be used with these variables: {problem}; packages/hub/README.md "
        "lists them"
    )
