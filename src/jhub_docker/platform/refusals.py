"""What Compose says of variables it cannot use, as a sentence that names the variable. Pure."""

import re
from collections.abc import Mapping


def sentence(problem: str, said: Mapping[str, str]) -> str:
    """What to say of variables that Compose cannot use: the one it means, by its value."""
    for pattern, expected, end in (
        (r"Invalid (?:host|container)Port: (.*)", "a port from 1 to 65535", "_PORT"),
        (r"Invalid ip address: (.*)", "an address of the engine's machine", "_BIND"),
        (r"undefined volume (.*?)(?:: |$)", "a whole path", ("_FILES", "_SOCKET", "_VOLUMES")),
    ):
        found = re.search(pattern, problem)
        names = [one for one in sorted(said) if one.startswith("JHUB_") and one.endswith(end)]
        if found and (names := [one for one in names if said[one] == found[1]]):
            return f"{' and '.join(names)} is {found[1]!r}; expected {expected}"
    return (
        f"compose.yaml cannot be used with these variables: {problem}; packages/hub/README.md "
        "lists them"
    )
